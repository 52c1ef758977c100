"""Launchers read a configuration before, and without, Spark."""

import subprocess
import sys

CODE = """
import sys
import mmdin.config, mmdin.options
print({"pyspark", "py4j", "pandas", "numpy"} & set(sys.modules) or "nothing heavy")
"""


def test_the_configuration_is_read_without_spark_or_a_jvm() -> None:
    output = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True
    ).stdout
    assert output == "nothing heavy\n"
