import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["html_tables", "conclusions", "page", "selections"])
def test_words_tables_and_selections_load_no_matplotlib(module: str) -> None:
    code = f"import sys, mmdin.report.{module}; print('matplotlib' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"
