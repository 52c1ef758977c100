"""How the fields of a file are laid out: by its header, or by input.format if it has none."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mmdin.errors import InputDataError
from mmdin.ingest.formats import Format, Headerless, InputFile
from mmdin.ingest.heads import Head

COLONS = "::"
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "|", COLONS: "::"}
_IDS = ("userid", "movieid")
"""Columns, by their plain names, that hold a number in every row."""

_NUMBER = re.compile(r"\s*[+-]?[0-9]+(\.0*)?\s*")


@dataclass(frozen=True)
class Layout:
    """How to read a file. Files of one layout are read together.

    Attributes:
        encoding: of the text; empty for Parquet.
        delimiter: between fields.
        quoted: whether fields may be quoted.
        header: the line that names the columns, which is no row; empty if there is none.
        width: number of fields.
        positions: of the wanted columns among the fields, from 0.
        genre_flags: instead of a column of genres, a field for each of these, by its position.
    """

    encoding: str
    delimiter: str = ","
    quoted: bool = True
    header: str = ""
    width: int = 0
    positions: tuple[int, ...] = ()
    genre_flags: tuple[tuple[int, str], ...] = ()

    @property
    def is_parquet(self) -> bool:
        """Whether the columns are found by the names in the file, with Spark."""
        return not self.encoding


def lay_out(
    heads: Mapping[str, Head], file: InputFile, chosen: Format, missing: str
) -> dict[str, Layout]:
    """The layout of each file that holds rows.

    A file is laid out by its own header. One without a header is laid out by the format, or as the
    first file, if that is the only header there is: as are the pieces of a file that was cut.

    Args:
        heads: of the files of one kind, by path, in order.
        file: their kind.
        chosen: the format.
        missing: what to do, for the message about files of which none has a line.

    Raises:
        InputDataError: if a header lacks a column or has one twice, or a file has no header and no
            layout.
    """
    layouts: dict[str, Layout] = {}
    for path, head in heads.items():
        if head.is_parquet:
            layouts[path] = Layout("")
        elif head.line is not None:
            first = next(iter(layouts.values()), None)
            layouts[path] = (
                _by_header(path, head, file, chosen.files.get(file.stem))
                or _by_format(path, head, chosen.files.get(file.stem), file)
                or _as_first(head, first, file)
                or _refuse_missing_header(path, head.line, file)
            )
    if not layouts:
        raise InputDataError(f"{', '.join(heads)}: the file is empty; {missing}")
    _refuse_several_headers(layouts)
    return layouts


def plain(name: str) -> str:
    """A column's name without case, blanks and signs: userId, UserID and user_id are one."""
    return re.sub(r"[^0-9a-z]", "", name.lower())


def find_columns(names: Sequence[str], columns: Sequence[str], path: str) -> tuple[int, ...]:
    """Where the columns are among a file's names, from 0.

    Raises:
        InputDataError: if one is missing or there twice; shows the names.
    """
    found = {c: [i for i, name in enumerate(names) if plain(name) == plain(c)] for c in columns}
    wrong = [f"no column {c}" for c, places in found.items() if not places]
    wrong += [f"column {c} twice" for c, places in found.items() if len(places) > 1]
    if wrong:
        raise InputDataError(
            f"{path}: the header has {', '.join(wrong)}; its columns are {', '.join(names)}. "
            f"The first line must name {', '.join(columns)}"
        )
    return tuple(places[0] for places in found.values())


def split_line(line: str, delimiter: str) -> list[str]:
    """The fields of a line, without quotes and blanks around them."""
    if delimiter == COLONS:
        return [field.strip() for field in line.split(COLONS)]
    fields = next(csv.reader([line], delimiter=delimiter), [])
    return [field.strip() for field in fields]


def _by_header(
    path: str, head: Head, file: InputFile, headerless: Headerless | None
) -> Layout | None:
    """None if the first line is no header: it names none of the columns, or is a row that may."""
    line = head.line or ""
    delimiter = max(_DELIMITERS, key=lambda d: _count_known(split_line(line, d), file))
    names = split_line(line, delimiter)
    known = _count_known(names, file)
    if not known or (headerless and known < len(file.columns)):
        return None
    positions = find_columns(names, file.columns, path)
    quoted = delimiter != COLONS
    return Layout(head.encoding, delimiter, quoted, line, len(names), positions)


def _count_known(names: Sequence[str], file: InputFile) -> int:
    return len({plain(name) for name in names} & {plain(c) for c in file.columns})


def _by_format(path: str, head: Head, layout: Headerless | None, file: InputFile) -> Layout | None:
    if layout is None:
        return None
    fields = len((head.line or "").split(layout.delimiter))
    if fields != layout.width:
        raise InputDataError(
            f"{path}: has {fields} fields and not {layout.width} separated by "
            f"{_DELIMITERS[layout.delimiter]}, as input.format says; the first line is "
            f"{_shown(head.line)}. Set input.format to the format of the files"
        )
    first_flag = len(layout.columns)
    return Layout(
        head.encoding,
        layout.delimiter,
        False,
        "",
        layout.width,
        tuple(layout.columns.index(c) for c in file.columns if c in layout.columns),
        tuple((first_flag + i, genre) for i, genre in enumerate(layout.genre_flags)),
    )


def _as_first(head: Head, first: Layout | None, file: InputFile) -> Layout | None:
    """The layout of the first file without its header, if the line can be a row of it."""
    if first is None or first.is_parquet:
        return None
    fields = split_line(head.line or "", first.delimiter)
    ids = [p for p, c in zip(first.positions, file.columns, strict=False) if plain(c) in _IDS]
    if len(fields) != first.width or not all(_NUMBER.fullmatch(fields[p]) for p in ids):
        return None
    return replace(first, header="", encoding=head.encoding)


def _refuse_missing_header(path: str, line: str, file: InputFile) -> Layout:
    hint = ""
    if COLONS in line:
        hint = ", or set input.format=ml-1m (or ml-10m) if the files are of such a release"
    elif line.count("\t") == len(file.columns) - 1 or line.count("|") > len(file.columns):
        hint = ", or set input.format=ml-100k if the files are of that release"
    raise InputDataError(
        f"{path}: has no header; its first line is {_shown(line)}. The first line must name "
        f"{', '.join(file.columns)}{hint}"
    )


def _refuse_several_headers(layouts: Mapping[str, Layout]) -> None:
    """Raise InputDataError if a file has no header and others have different ones."""
    text = {path: layout for path, layout in layouts.items() if not layout.is_parquet}
    headers = {layout.header for layout in text.values()} - {""}
    without = [path for path, layout in text.items() if not layout.header]
    if len(headers) > 1 and without:
        raise InputDataError(
            f"{without[0]}: has no header, and the files with it have different ones: "
            f"{'; '.join(map(_shown, sorted(headers)))}. Write its header as its first line"
        )


def _shown(line: str | None, length: int = 80) -> str:
    text = line or ""
    return repr(text if len(text) <= length else f"{text[:length]}...")
