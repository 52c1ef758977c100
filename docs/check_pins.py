"""Warn about pins past their end of life, whose date docs/decisions/pins.md has."""

import datetime
from pathlib import Path

PAGE = Path(__file__).parent / "decisions" / "pins.md"


def expired(page: str, today: datetime.date) -> list[str]:
    """Find the pins whose end of life has passed.

    Args:
        page: Markdown with a table. Its first columns are a pin and its version, its last two when
            the pin may go, and the date of its end of life or a dash.
        today: the date to compare with.

    Returns:
        A line for each of them.
    """
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("| ")
    ]
    return [
        f"{pin} {version}: its life ended on {end}; it may go when {remedy}"
        for pin, version, *_, remedy, end in rows[1:]
        if end != "-" and datetime.date.fromisoformat(end) < today
    ]


if __name__ == "__main__":
    for line in expired(PAGE.read_text(), datetime.date.today()):
        print(f"warning: {PAGE.name}: {line}")
