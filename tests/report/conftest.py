"""Every case's report, written once for all tests."""

import functools
from collections.abc import Callable

import pytest
from invented_data import CASES, invent
from written import QUESTION, Written

from mmdin.config import Config
from mmdin.report.report import write_report


@pytest.fixture(scope="session")
def config() -> Config:
    return Config.model_validate({"name": "invented", "experiment": {"question": QUESTION}})


@pytest.fixture(scope="session")
def written_case(
    config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Written]:
    """Write the report of one of CASES, or give the one that was written before."""

    @functools.cache
    def write(case: str) -> Written:
        data = invent(**CASES[case])
        page = write_report(data, config, tmp_path_factory.mktemp("report"))
        return Written(data, page, page.read_text(encoding="utf-8"))

    return write
