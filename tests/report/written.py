"""A report as tests look at it."""

from dataclasses import dataclass
from pathlib import Path

from mmdin.report.report_data import ReportData

QUESTION = 'Is <b>this</b> & that "better"?'


@dataclass(frozen=True)
class Written:
    """A report: its data, its page and the text of the page."""

    data: ReportData
    page: Path
    text: str

    @property
    def figures(self) -> Path:
        return self.page.parent / "figures"
