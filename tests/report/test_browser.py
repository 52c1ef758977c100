"""The page in a real browser, without a window."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from written import Written

from mmdin.report.report_data import ReportData

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")

pytestmark = pytest.mark.skipif(
    not (CHROMIUM.exists() and DRIVER.exists()),
    reason="no browser: apt-get install chromium chromium-driver",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture(scope="module", params=["two networks", "many", "protocols"])
def report(request: pytest.FixtureRequest, written_case: Callable[[str], Written]) -> Written:
    return written_case(request.param)


@pytest.mark.parametrize("width", [375, 1400])
def test_the_page_shows_all_and_never_scrolls_sideways(
    browser: Any, report: Written, width: int
) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.get(report.page.as_uri())
    assert not [e for e in browser.get_log("browser") if e["level"] == "SEVERE"]
    images = browser.execute_script(
        "return [...document.images].map(i => [i.complete, i.naturalWidth, i.clientWidth])"
    )
    assert len(images) == 13
    assert all(complete and natural > 0 and shown > 0 for complete, natural, shown in images)
    # Wide figures scroll in their frames on a narrow screen: they would be too small to read.
    assert max(shown for _, _, shown in images) > 600
    inner, scrolled = browser.execute_script(
        "return [window.innerWidth, document.documentElement.scrollWidth]"
    )
    assert inner == width
    assert scrolled <= inner
    cells = browser.execute_script(
        "return [...document.querySelectorAll('#table-metrics td:not([data-slice])')]"
        ".map(c => [c.dataset.variant, c.dataset.metric, c.dataset.value, c.innerText])"
    )
    _compare(report.data, cells)


def _compare(data: ReportData, cells: list[list[str]]) -> None:
    rows = data.metric_intervals
    overall = rows[rows["dimension"] == "all"]
    means = overall.set_index(["variant", "metric"])["mean"]
    assert len(cells) == len(overall)
    for variant, metric, value, shown in cells:
        mean = means[(variant, metric)]
        assert (value == "") == pd.isna(mean)
        if value:
            assert float(value) == mean
            assert shown.split()[0] == f"{mean:.4f}"
