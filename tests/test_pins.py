"""The page of pinned versions says what is pinned, and warns in time."""

import datetime
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs" / "decisions" / "pins.md"


@pytest.fixture(scope="module")
def check_pins() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_pins", PROJECT / "docs" / "check_pins.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_pins"] = module
    spec.loader.exec_module(module)
    return module


def test_a_pin_past_its_end_of_life_is_a_warning_that_says_what_to_do(
    check_pins: ModuleType,
) -> None:
    page = """\
| pin | version | may go when | end of life |
|---|---|---|---|
| spark | 4.0 | the log is read | 2026-11-23 |
| delta | 4.3 | spark moves | - |
| python | 3.11 | nobody has it | 2027-10-31 |
"""
    assert check_pins.expired(page, datetime.date(2026, 11, 23)) == []
    (line,) = check_pins.expired(page, datetime.date(2026, 11, 24))
    assert line == "spark 4.0: its life ended on 2026-11-23; it may go when the log is read"
    assert len(check_pins.expired(page, datetime.date(2028, 1, 1))) == 2


def test_every_date_of_the_page_is_read(check_pins: ModuleType) -> None:
    dated = [line for line in PAGE.read_text().splitlines() if line.endswith("-31 |")]
    lines = check_pins.expired(PAGE.read_text(), datetime.date(2100, 1, 1))
    assert len(lines) > len(dated) >= 3
    assert any(line.startswith("pyspark 4.2.0: ") for line in lines)


def test_the_page_has_the_versions_that_are_installed() -> None:
    lock = (PROJECT / "requirements.lock").read_text().replace("_", "-") + "horovod==0.28.1\n"
    assert "horovod=0.28.1\n" in (PROJECT / "submit" / "setup.sh").read_text()
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    pins = {row[1].strip(): row[2].strip() for row in rows[1:]}
    for other in ("python", "jdk"):
        pins.pop(other)
    assert all(f"\n{pin}=={version}" in lock for pin, version in pins.items()), pins
