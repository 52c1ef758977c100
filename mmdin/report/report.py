"""Writing the report: figures, their numbers and the page, in one folder."""

import shutil
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.report.figures.catalogue import save_figures
from mmdin.report.page import render_page
from mmdin.report.report_data import ReportData
from mmdin.storage import files_at, is_local, join, local_path, upload


def publish_report(spark: SparkSession, data: ReportData, config: Config) -> str:
    """Write the report to <root>/report/, and return the page's path or URL."""
    folder = join(config.root, "report")
    if is_local(folder):
        return str(write_report(data, config, local_path(folder)))
    with tempfile.TemporaryDirectory() as temporary:
        page = write_report(data, config, Path(temporary))
        files = files_at(spark, folder)
        upload(files, page, join(folder, page.name))
        files.remove(join(folder, "figures"))
        upload(files, page.parent / "figures", join(folder, "figures"))
    return join(folder, page.name)


def write_report(data: ReportData, config: Config, folder: Path) -> Path:
    """Write figures/NAME.svg, .png and .csv and index.html to a folder.

    Earlier figures and an earlier page are replaced once the new ones are complete. The page is
    first: it marks the folder figures as this project's. Other files in the folder stay.

    Args:
        data: what the report shows.
        config: as resolved; the page shows all of it.
        folder: created if it does not exist.

    Returns:
        The page's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as temporary:
        new = Path(temporary)
        figures = save_figures(data, new / "figures")
        (new / "figures").mkdir(exist_ok=True)
        (new / "index.html").write_text(render_page(data, config, figures), encoding="utf-8")
        (new / "index.html").replace(folder / "index.html")
        shutil.rmtree(folder / "figures", ignore_errors=True)
        (new / "figures").replace(folder / "figures")
    return folder / "index.html"
