"""The files for people in <root>/report/, and whether those that are there are this project's."""

from collections.abc import Callable, Iterable

from mmdin.errors import TableError
from mmdin.storage import Files, join

PAGE = "report/index.html"
FIGURES = "report/figures"
METRICS_CSV = "report/metrics.csv"

PAGE_MARK = '<meta name="generator" content="mmdin">'
_EARLIER_PAGE_MARK = '<p class="kicker">'
"""Of pages from before there was the other one."""

_CSV_MARK = b"run_id,"
_HEAD_BYTES = 1 << 16


def check_report(files: Files, root: str, jobs: Iterable[str]) -> None:
    """Check that jobs would not write over files in the report's folder that are somebody else's.

    Args:
        files: back end of the root.
        root: folder or URL that holds report/.
        jobs: names of the jobs that are to run.

    Raises:
        TableError: if there are such files; names one.
    """
    for job in jobs:
        for path, is_ours in _WRITTEN_BY.get(job, {}).items():
            url = join(root, path)
            if not is_ours(files, url):
                raise TableError(
                    f"{url} is not of this project, and {job} would write over it: move it, or set "
                    "root to another folder"
                )


def _is_page(files: Files, url: str) -> bool:
    if not files.exists(url):
        return True
    head = files.read(url, _HEAD_BYTES).decode("utf-8", "replace")
    return PAGE_MARK in head or _EARLIER_PAGE_MARK in head


def _are_figures(files: Files, url: str) -> bool:
    # The page is checked too, and written before them.
    page = join(url.removesuffix(FIGURES), PAGE)
    return files.exists(page) or not files.list(url, recursive=True)


def _is_csv(files: Files, url: str) -> bool:
    return not files.exists(url) or files.read(url, _HEAD_BYTES).startswith(_CSV_MARK)


_WRITTEN_BY: dict[str, dict[str, Callable[[Files, str], bool]]] = {
    "evaluate": {METRICS_CSV: _is_csv},
    "report": {PAGE: _is_page, FIGURES: _are_figures},
}
"""The files that each job writes, and how they are known to be ours."""
