"""The page: the template filled with the evidence in words, tables and pictures."""

import base64
from collections.abc import Mapping
from pathlib import Path

import jinja2

from mmdin.config import Config
from mmdin.report import listings
from mmdin.report.conclusions import conclude, list_limits
from mmdin.report.evidence import Evidence
from mmdin.report.figures import KeptFigure
from mmdin.report.wording import PROTOCOLS, enumerate_names

_FOLDER = Path(__file__).parent
_MEDIA = {".svg": "image/svg+xml", ".png": "image/png"}


def render_page(evidence: Evidence, config: Config, figures: Mapping[str, KeptFigure]) -> str:
    """The whole page as HTML that refers to nothing outside itself, besides figures/ for the files
    behind its figures."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    seeds = [int(s) for s in sorted(evidence.experiments["seed"].dropna().unique())]
    page = environment.get_template("page.html.j2").render(
        config=config,
        style=(_FOLDER / "page.css").read_text(encoding="utf-8"),
        protocols=[(p, PROTOCOLS.get(p, "")) for p in evidence.protocols],
        leaky=[v for v, p in evidence.protocol_of().items() if p == "leaky"],
        enumerate_names=enumerate_names,
        networks=evidence.networks,
        variants=evidence.variants,
        seeds=seeds,
        counts=listings.list_counts(evidence),
        metrics=listings.list_metrics(evidence),
        verdicts=[listings.list_verdicts(evidence, r) for r in evidence.references],
        points=listings.list_points(evidence),
        slices=listings.list_slice_tables(evidence),
        runs=listings.list_runs(evidence),
        versions=listings.list_versions(evidence),
        conclusions=conclude(evidence),
        limits=list_limits(evidence),
        figures=figures,
        embed=_embed,
    )
    return page.lstrip().replace("95 %", "95\N{NO-BREAK SPACE}%")


def _embed(figure: KeptFigure) -> str:
    """The figure's file as a data: URI."""
    content = base64.b64encode(figure.path.read_bytes()).decode("ascii")
    return f"data:{_MEDIA[figure.path.suffix]};base64,{content}"
