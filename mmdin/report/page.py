"""The page: the template filled with the conclusions, tables and figures."""

import base64
from collections.abc import Mapping
from pathlib import Path

import jinja2

from mmdin.config import Config
from mmdin.metrics import explain_undefined
from mmdin.report import html_tables
from mmdin.report.conclusions import conclude, list_limits
from mmdin.report.figures.spec import SavedFigure
from mmdin.report.report_data import ReportData
from mmdin.report.wording import PROTOCOLS, enumerate_names
from mmdin.report_files import PAGE_MARK

_FOLDER = Path(__file__).parent
_MEDIA = {".svg": "image/svg+xml", ".png": "image/png"}


def render_page(data: ReportData, config: Config, figures: Mapping[str, SavedFigure]) -> str:
    """The whole page as HTML. It refers only to the figures' files, in figures/ next to it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    seeds = [int(s) for s in sorted(data.experiments["seed"].dropna().unique())]
    page = environment.get_template("page.html.j2").render(
        config=config,
        mark=PAGE_MARK,
        style=(_FOLDER / "page.css").read_text(encoding="utf-8"),
        protocols=[(p, PROTOCOLS.get(p, "")) for p in data.protocols],
        leaky=[v for v, p in data.protocol_of().items() if p == "leaky"],
        enumerate_names=enumerate_names,
        networks=data.networks,
        variants=data.variants,
        seeds=seeds,
        inputs=html_tables.tabulate_input(data),
        counts=html_tables.tabulate_counts(data),
        metrics=html_tables.tabulate_metrics(data),
        undefined=explain_undefined(data.metrics.to_dict("records")),
        verdicts=[html_tables.tabulate_verdicts(data, r) for r in data.references],
        points=html_tables.tabulate_points(data),
        slices=html_tables.tabulate_slices(data),
        ranking=html_tables.tabulate_ranking(data),
        ranking_differences=html_tables.tabulate_ranking_differences(data),
        recommended=html_tables.tabulate_list(data),
        runs=html_tables.tabulate_runs(data),
        versions=html_tables.list_versions(data),
        conclusions=conclude(data),
        limits=list_limits(data),
        figures=figures,
        embed=_embed,
    )
    return page.lstrip().replace("95 %", "95\N{NO-BREAK SPACE}%")


def _embed(figure: SavedFigure) -> str:
    """The figure's file as a data: URI."""
    content = base64.b64encode(figure.path.read_bytes()).decode("ascii")
    return f"data:{_MEDIA[figure.path.suffix]};base64,{content}"
