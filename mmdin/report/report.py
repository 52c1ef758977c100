"""Writing the report: figures with their numbers, and the page, into one folder."""

import shutil
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.report.evidence import Evidence
from mmdin.report.figures import keep_figures
from mmdin.report.page import render_page
from mmdin.storage import files_at, is_local, join, local_path, upload


def publish_report(spark: SparkSession, evidence: Evidence, config: Config) -> str:
    """Write the report into <root>/report/; gives the page's path or URL."""
    folder = join(config.root, "report")
    if is_local(folder):
        return str(write_report(evidence, config, local_path(folder)))
    with tempfile.TemporaryDirectory() as temporary:
        page = write_report(evidence, config, Path(temporary))
        files = files_at(spark, folder)
        files.remove(join(folder, "figures"))
        upload(files, page.parent / "figures", join(folder, "figures"))
        upload(files, page, join(folder, page.name))
    return join(folder, page.name)


def write_report(evidence: Evidence, config: Config, folder: Path) -> Path:
    """Write figures/NAME.svg, .png and .csv and index.html into a folder; gives the page's path.

    Earlier figures and an earlier page are replaced once the new ones are complete, the page last;
    whatever else the folder holds stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as temporary:
        new = Path(temporary)
        figures = keep_figures(evidence, new / "figures")
        (new / "figures").mkdir(exist_ok=True)
        (new / "index.html").write_text(render_page(evidence, config, figures), encoding="utf-8")
        shutil.rmtree(folder / "figures", ignore_errors=True)
        (new / "figures").replace(folder / "figures")
        (new / "index.html").replace(folder / "index.html")
    return folder / "index.html"
