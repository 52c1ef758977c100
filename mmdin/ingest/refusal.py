"""Refusing files of which too much cannot be used, with the likely cause."""

import logging
from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin.config import Input, RatingScale
from mmdin.errors import InputDataError
from mmdin.ingest import ratings
from mmdin.ingest.formats import RATINGS, InputFile
from mmdin.ingest.movies import SECOND_ROW
from mmdin.ingest.rejection import (
    BROKEN_FIELD,
    HEADER_AGAIN,
    OTHER_HEADER,
    UNDECODABLE,
    WRONG_FIELDS,
    not_number,
    not_whole_number,
)
from mmdin.ingest.tallies import Range, Tally

log = logging.getLogger(__name__)

_MILLISECONDS = 1e11
"""Seconds since 1970 reach this in the year 5138."""

_HIGHEST_STARS = 4.5
_HARMLESS = (ratings.SAME, HEADER_AGAIN)
"""Rows without which nothing is lost."""

_SHOWN = 200
"""Characters of a line that are shown."""


def log_tally(file: InputFile, tally: Tally) -> None:
    """Log how many rows of a file were read, kept, and rejected for each reason."""
    rejected_rows = tally.rejected.total()
    log.info(
        "%s: %d rows read = %d kept + %d rejected",
        *(file.name, tally.judged, tally.kept, rejected_rows),
    )
    for reason in _reasons(tally):
        log.info("%s:   %s", file.name, reason)


def refuse_unusable(
    file: InputFile,
    tally: Tally,
    judged: DataFrame,
    given: Input,
    find_undecodable: Callable[[], str],
) -> None:
    """Raise InputDataError if a file's rows cannot be used, or too few of them.

    Args:
        file: the kind of file.
        tally: of its rows.
        judged: its rows with their reasons.
        given: section of the configuration.
        find_undecodable: describes the first line that the encoding does not allow.
    """
    if UNDECODABLE in tally.rejected:
        raise InputDataError(find_undecodable())
    if problem := _find_problem(tally, given.max_rejected_share):
        example = _show_example(file, tally, judged, given.rating_scale) if tally.judged else ""
        remedy = "" if file.required else f" (or remove it: only the table {file.stem} needs it)"
        raise InputDataError(
            f"{file.name}: {problem}{example}. Nothing was written; correct the file{remedy}, or "
            "set input.movielens to another folder"
        )


def _find_problem(tally: Tally, max_rejected_share: float) -> str:
    """Why a file's rows cannot be used; empty if they can."""
    lost = tally.rejected.total() - sum(tally.rejected[reason] for reason in _HARMLESS)
    reasons = "; ".join(_reasons(tally))
    if not tally.judged:
        return "has no rows"
    if not tally.kept:
        return f"none of its {tally.judged} rows can be used: {reasons}"
    if lost > max_rejected_share * tally.judged:
        return (
            f"{lost} of its {tally.judged} rows ({lost / tally.judged:.1%}) cannot be used, more "
            f"than input.max_rejected_share ({max_rejected_share:.1%}) allows: {reasons}"
        )
    # Rows that follow such a header have their fields in other columns.
    return reasons if OTHER_HEADER in tally.rejected else ""


def _show_example(file: InputFile, tally: Tally, judged: DataFrame, scale: RatingScale) -> str:
    """A line that was rejected for the reason that matters most, with the likely cause."""
    frequent = [reason for reason, _ in tally.rejected.most_common()]
    first = (OTHER_HEADER, *(r for r in frequent if r not in _HARMLESS), *_HARMLESS)
    reason = next(reason for reason in first if tally.rejected[reason])
    line = judged.where(F.col("reason") == reason).agg(F.min("line")).head()
    shown = str(line[0] if line else "")[:_SHOWN]
    return f". For example, {reason}: {shown!r}{_likely_cause(file, reason, tally, scale)}"


def warn_of_low_ratings(tally: Tally, scale: RatingScale) -> None:
    """Log if no rating is near the top of the scale: it may be another scale."""
    highest = tally.kept_values.highest
    if scale.is_stars and highest < _HIGHEST_STARS:
        log.warning(
            "%s: no rating is above %g: if 5 is not the highest value, set input.rating_scale",
            *(RATINGS.name, highest),
        )


def _reasons(tally: Tally) -> list[str]:
    return [f"{count} x {reason}" for reason, count in sorted(tally.rejected.items())]


def _likely_cause(file: InputFile, reason: str, tally: Tally, scale: RatingScale) -> str:
    """A sentence for the most frequent reason; empty if it says enough."""
    causes = {
        ratings.not_on_scale(scale): f"The values are {_describe(tally.values)}: another scale? "
        f"Then set input.rating_scale, such as {_suggest(tally.values)}",
        ratings.UNKNOWN_MOVIE: "Is movies.csv that of another release?",
        ratings.REPEATED: "If users rate movies again, raise input.max_rejected_share: their last "
        "ratings are kept",
        SECOND_ROW: "Was the file concatenated with another version of it?",
        BROKEN_FIELD: "Fields that hold line breaks are not read: replace these by blanks, or "
        "write the file as Parquet. A quote within a quoted field must be doubled",
        WRONG_FIELDS: "A field that holds the delimiter or a quote must be quoted, and a line must "
        "have as many fields as the header",
        OTHER_HEADER: "Files whose columns are in different orders were concatenated: give them as "
        "separate files in a folder",
        not_number("rating"): "Ratings must be written with digits and a decimal point",
        ratings.NOT_A_TIME: "Times must be seconds since 1970, UTC, or dates such as 2015-03-29 "
        "09:17:06 or 2015-03-29T09:17:06+02:00, which are UTC if no zone follows",
        not_whole_number("userId"): "Ids must be whole numbers within 64 bits",
        not_whole_number("movieId"): "Ids must be whole numbers within 64 bits",
    }
    if tally.seconds.lowest > _MILLISECONDS:
        causes[ratings.IMPOSSIBLE_TIME] = "Times must be in seconds; are these milliseconds?"
    cause = causes.get(reason, "")
    return f". {cause}" if cause else ""


def _describe(values: Range) -> str:
    in_steps = " in whole numbers" if values.whole == values.count else ""
    if not in_steps and values.halves == values.count:
        in_steps = " in halves"
    return f"{values.lowest:g} to {values.highest:g}{in_steps}"


def _suggest(values: Range) -> str:
    step = (
        "1" if values.whole == values.count else "0.5" if values.halves == values.count else "0.1"
    )
    return f"{{minimum: {values.lowest:g}, maximum: {values.highest:g}, step: {step}}}"
