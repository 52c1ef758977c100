"""A session of Spark with Delta, opened and closed: as users start it, and with other JVM flags."""

import os
import sys
from pathlib import Path

from benchmarks.usage import LAUNCHER, measure

PROJECT = LAUNCHER.parents[1]
FLAGS = {
    "as users start it": "",
    "first compiler alone": "-XX:TieredStopAtLevel=1",
    "serial collector": "-XX:+UseSerialGC",
}
PROGRAM = "from mmdin.session import open_session\nopen_session('startup').stop()\n"


def run(folder: Path, small: bool) -> dict[str, object]:
    """Seconds and CPU seconds of a session by JVM flags, the least of some, taking turns."""
    program = folder / "session.py"
    program.write_text(PROGRAM)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in FLAGS}
    for repeat in range(2 if small else 5):
        for name, flags in FLAGS.items():
            environment = {
                "JAVA_TOOL_OPTIONS": f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {flags}".strip(),
                "PYTHONPATH": str(PROJECT),
                "PYSPARK_PYTHON": sys.executable,
                "PYSPARK_DRIVER_PYTHON": sys.executable,
            }
            usage = measure(_command(program), folder / f"{name}-{repeat}.log", environment)
            taken[name].append((usage.seconds, usage.cpu))
    least = {
        name: [min(column) for column in zip(*own, strict=True)] for name, own in taken.items()
    }
    usual = least["as users start it"]
    return {
        name: {
            "seconds": round(seconds, 1),
            "cpu_seconds": round(cpu, 1),
            "cpu by users'": round(cpu / usual[1], 2),
        }
        for name, (seconds, cpu) in least.items()
    }


def _command(program: Path) -> list[str | Path]:
    properties = str(PROJECT / "conf" / "spark" / "local.conf")
    spark_submit = Path(sys.executable).with_name("spark-submit")
    return [spark_submit, "--master", "local[2]", "--properties-file", properties, program]
