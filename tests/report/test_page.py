import base64
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from invented_data import CASES, METRICS, TITLE, invent
from written import QUESTION, Written

from mmdin.config import Config
from mmdin.report.conclusions import conclude
from mmdin.report.figures import catalogue
from mmdin.report.html_tables import tabulate_metrics
from mmdin.report.page import render_page
from mmdin.report.report import write_report
from mmdin.report.report_data import ReportData
from mmdin.report.selections import kind_of
from mmdin.report_files import check_report
from mmdin.storage.local import LocalFiles


class Page(HTMLParser):
    """Every element's name and attributes, and the text within."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, having: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.elements if t == tag and having in a]


@pytest.fixture(scope="module", params=CASES)
def report(request: pytest.FixtureRequest, written_case: Callable[[str], Written]) -> Written:
    return written_case(request.param)


def _number(text: str | None) -> float | None:
    return None if text == "" else float(str(text))


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def test_metrics_are_those_of_the_tables(report: Written) -> None:
    cells = [c for c in Page(report.text).all("td", "data-value") if "data-slice" not in c]
    assert len(cells) == len(report.data.variants) * len(METRICS)
    overall = {m: report.data.overall(m).set_index("variant") for m in METRICS}
    for cell in cells:
        row = overall[str(cell["data-metric"])].loc[cell["data-variant"]]
        assert _number(cell["data-value"]) == _known(row["mean"])
        assert _number(cell.get("data-lower", "")) == _known(row["lower"])
        assert _number(cell.get("data-stddev", "")) == _known(
            row["stddev"] if not pd.isna(row["mean"]) else float("nan")
        )


def test_slices_are_those_of_the_tables(report: Written) -> None:
    rows = report.data.metric_intervals
    rows = rows[(rows["metric"] == "roc_auc") & (rows["dimension"] != "all")]
    means = rows.set_index(["variant", "dimension", "slice"])["mean"]
    cells = Page(report.text).all("td", "data-slice")
    in_main_table = rows["dimension"].isin(["user", "movie"]).sum()
    assert len(cells) == len(rows) + in_main_table
    for cell in cells:
        key = (cell["data-variant"], cell["data-dimension"], cell["data-slice"])
        assert _number(cell["data-value"]) == _known(means[key])


def test_new_and_known_users_and_movies_are_in_the_main_table(config: Config) -> None:
    data = invent()
    table = tabulate_metrics(data)
    places = (("user", "new"), ("user", "known"), ("movie", "known"))
    assert table.heads[-3:] == [
        f"ROC AUC, {s}" for s in ("new users", "known users", "known movies")
    ]
    for row in table.rows:
        for cell, place in zip(row[-3:], places, strict=True):
            means = {
                m: data.within(m, *place).set_index("variant").loc[row[0].text, "mean"]
                for m in ("roc_auc", "gauc")
            }
            assert cell.text == f"{means['roc_auc']:.4f}"
            assert cell.below.endswith(f"GAUC {means['gauc']:.4f}")


def test_conclusions_claim_what_the_verdicts_say(report: Written) -> None:
    rows = report.data.differences[report.data.differences["metric"] == "roc_auc"]
    verdicts = rows.set_index(["variant", "other"])["verdict"]
    page = Page(report.text)
    for claim in page.all("li", "data-verdict"):
        verdict = verdicts[(claim["data-variant"], claim["data-other"])]
        assert claim["data-verdict"] == verdict != "open"
    for group in conclude(report.data):
        for claim in group.claims:
            assert f" {claim.verdict} than {claim.other}" in claim.sentence
        for claim in group.open:
            assert verdicts[(claim.variant, claim.other)] == "open"
            assert not {"better", "worse", "higher", "lower"} & set(claim.sentence.split())
        compared = [c.variant for c in (*group.claims, *group.open)]
        assert len(set(compared)) == len(compared)
        assert set(compared) == set(rows.loc[rows["other"] == group.reference, "variant"]) & {
            *(report.data.variants if group.role == "the reference" else _of_networks(report.data))
        }


def _of_networks(data: ReportData) -> list[str]:
    return [v for v in data.variants if kind_of(data, v) in ("network", "combined")]


def test_nothing_is_fetched_from_elsewhere(report: Written) -> None:
    page = Page(report.text)
    assert not [t for t, _ in page.elements if t in ("script", "iframe", "object", "embed")]
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "data", "poster"):
            value = attributes.get(name) or ""
            assert not value or value.startswith(("data:", "figures/", "#")), (tag, value[:60])
            assert "//" not in value.split(",")[0], (tag, value[:60])
    style = report.text.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style
    for image in page.all("img", "src"):
        kind, _, content = str(image["src"]).partition(";base64,")
        if kind == "data:image/svg+xml":
            svg = base64.b64decode(content).decode()
            assert not re.findall(r'(?:href|src)="(?!#|data:)[^"]*"', svg)
            assert set(re.findall(r"https?://[^\"'< ]+", svg)) <= {
                "http://www.w3.org/2000/svg",
                "http://www.w3.org/1999/xlink",
                "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd",
            }


def test_images_are_described_and_the_question_is_escaped(report: Written) -> None:
    page = Page(report.text)
    assert all(i["alt"] and i["width"] and i["height"] for i in page.all("img", "src"))
    assert "<b>this</b>" not in report.text
    assert QUESTION in page.text
    assert TITLE not in report.text
    assert page.all("html", "lang")[0]["lang"] == "en"
    assert len(report.text) < 15_000_000


def test_what_was_set_aside_of_the_input_is_shown(config: Config) -> None:
    data = invent()
    page = Page(render_page(data, config, {}))
    assert [t for t in page.all("table", "id") if t["id"] == "table-input"]
    for words in ("wrong number of fields", "0.25%", "there is no such file", "1,197"):
        assert words in page.text
    without = replace(data, input_counts=data.input_counts[:0])
    assert "table-input" not in render_page(without, config, {})


def test_ranking_metrics_are_those_of_the_tables_with_their_verdicts(config: Config) -> None:
    data = invent()
    page = Page(render_page(data, config, {}))
    means = data.ranking_metrics.set_index(["method", "metric", "slice"])["mean"]
    cells = page.all("td", "data-mean")
    assert len(cells) == len(means)
    for cell in cells:
        place = (cell["data-method"], cell["data-ranking"], cell["data-users"])
        assert _number(cell["data-mean"]) == means[place]
    compared = page.all("td", "data-method")
    verdicts = [c["class"] for c in compared if "data-other" in c]
    assert verdicts.count("better") == 6
    assert verdicts.count("open") == 12
    without = render_page(invent(ranking=False), config, {})
    assert 'id="recommendations"' not in without
    assert "interval not known" not in without


def test_one_users_list_is_shown_with_its_reasons(config: Config) -> None:
    data = invent()
    unmeasured = replace(data, ranking_metrics=data.ranking_metrics[:0])
    for shown in (data, unmeasured):
        page = Page(render_page(shown, config, {}))
        assert [c["data-movie"] for c in page.all("td", "data-movie")] == ["100", "101", "102"]
        assert "The list of user 7 as of 2012-01-01 00:00:00, by neural_cf" in page.text
        assert f"Movie 110 +0.400; {TITLE} +0.200" in page.text


def test_why_metrics_are_undefined_is_said_once(config: Config) -> None:
    sentence = "all test rows are positive, so ROC AUC and GAUC are undefined."
    for name, times in (("one class", 1), ("two networks", 0)):
        page = Page(render_page(invent(**CASES[name]), config, {}))
        assert page.text.count(sentence) == times
        assert "nan" not in page.text.split()


def test_leaky_is_warned_of_if_it_is_shown(config: Config) -> None:
    for name, warned in (("protocols", True), ("two networks", False)):
        page = render_page(invent(**CASES[name]), config, {})
        assert ('class="warning"' in page) == warned
        assert ("are leaky: statistics were taken over test" in page) == warned


def test_the_reference_is_mmdin_or_the_best() -> None:
    assert invent().references == ["mmdin"]
    data = invent(**CASES["many"])
    means = data.overall("roc_auc").set_index("variant")["mean"]
    assert data.references == [means[data.networks].idxmax()]
    assert len(invent(**CASES["protocols"]).references) == 3
    assert invent(**CASES["no network"]).references == []


def test_other_files_survive_and_nothing_is_left_over(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "FIGURES", catalogue.FIGURES[:1])
    folder = tmp_path / "report"
    (folder / "figures").mkdir(parents=True)
    (folder / "metrics.csv").write_text("kept")
    (folder / "figures" / "old.svg").write_text("gone")
    for _ in range(2):
        write_report(invent(), config, folder)
        check_report(LocalFiles(), str(tmp_path), ["report"])
    assert {p.name for p in folder.iterdir()} == {"figures", "index.html", "metrics.csv"}
    assert (folder / "metrics.csv").read_text() == "kept"
    assert len(list((folder / "figures").iterdir())) == 3
