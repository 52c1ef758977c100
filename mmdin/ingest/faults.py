"""Spark's errors about the content of input files as messages for users."""

import contextlib
import re
from collections.abc import Callable, Iterator

from mmdin.errors import InputDataError

UNDECODABLE = "MALFORMED_CHARACTER_CODING"
_CAUSES = {
    "FAILED_READ_FILE": "the file is damaged, or not complete: copy it again",
    "CANNOT_READ_FILE_FOOTER": "the file is damaged, or not complete: copy it again",
    "CANNOT_MERGE_SCHEMAS": "the files have columns of the same name and of different types: write "
    "them with the same types",
    "PARQUET_TYPE": "a column is of a type that Spark cannot read: write times as whole seconds",
    "COLUMN_ALREADY_EXISTS": "two columns have names that differ only in case: rename one",
}
"""What to say, by what Spark's error contains."""


@contextlib.contextmanager
def translated_errors(what: str, undecodable: Callable[[], str] | None = None) -> Iterator[None]:
    """Raise Spark's errors about files' content as an InputDataError.

    Args:
        what: is read, for the message; the file's name is taken from Spark's error if it has it.
        undecodable: describes the first line that its encoding does not allow.
    """
    try:
        yield
    except InputDataError:
        raise
    except Exception as error:  # Py4J's and PySpark's have no common class
        text = str(error)
        if undecodable and UNDECODABLE in text:
            raise InputDataError(undecodable()) from None
        cause = next((advice for sign, advice in _CAUSES.items() if sign in text), None)
        if cause is None:
            raise
        file = re.search(r"file:/*(/[^\n]*?)\.(?=\s|$)| (\w+://\S+?)\.(?=\s|$)", text)
        name = next(filter(None, file.groups()), what) if file else what
        raise InputDataError(f"{name}: {cause}. Nothing was written") from None
