"""Which files in the report's folder are taken for this project's."""

from pathlib import Path

import pytest

from mmdin.errors import TableError
from mmdin.report_files import PAGE_MARK, check_report
from mmdin.storage.local import LocalFiles

JOBS = ("ingest_ratings", "evaluate", "report")


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("path", "text", "job"),
    [
        ("report/index.html", "<html>mine</html>", "report"),
        ("report/index.html", "", "report"),
        ("report/figures/deep/mine.png", "", "report"),
        ("report/metrics.csv", "run,auc\n", "evaluate"),
    ],
)
def test_what_others_wrote_where_the_report_goes_is_refused(
    path: str, text: str, job: str, tmp_path: Path
) -> None:
    write(tmp_path, path, text)
    place = "/".join(path.split("/")[:2])
    message = f"{tmp_path}/{place} is not of this project, and {job} would write over it: move it"
    for jobs in (JOBS, (job,)):
        with pytest.raises(TableError, match=message):
            check_report(LocalFiles(), str(tmp_path), jobs)
    check_report(LocalFiles(), str(tmp_path), set(JOBS) - {job})
    assert (tmp_path / path).read_text() == text


def test_earlier_reports_and_other_files_are_no_hindrance(tmp_path: Path) -> None:
    check_report(LocalFiles(), str(tmp_path / "absent"), JOBS)
    write(tmp_path, "report/notes.html", "mine")
    write(tmp_path, "report/index.html", f"<!DOCTYPE html>\n<head>{PAGE_MARK}</head>")
    write(tmp_path, "report/figures/old.svg", "")
    write(tmp_path, "report/metrics.csv", "run_id,variant\n")
    check_report(LocalFiles(), str(tmp_path), JOBS)
