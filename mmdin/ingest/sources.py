"""Which files hold ratings, movies and links, and how each of them is laid out."""

import fnmatch
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmdin.config import Input
from mmdin.errors import InputDataError
from mmdin.ingest.formats import FORMATS, Format, InputFile
from mmdin.ingest.heads import BZIP2_HEAD_BYTES, HEAD_BYTES, Head, read_head
from mmdin.ingest.layouts import Layout, lay_out
from mmdin.storage import Files, join

log = logging.getLogger(__name__)

HOW_TO_SET = (
    "set input.movielens to a folder that holds MovieLens' ratings.csv, movies.csv and links.csv"
)
_NO_FOLDER = (
    "no folder of MovieLens' files is given: add --set input.movielens=DIR, a folder that holds "
    "ratings.csv, movies.csv and links.csv"
)
_ENDINGS = (".csv", ".csv.gz", ".csv.bz2", ".tsv", ".tsv.gz", ".parquet", "")
_SHOWN = 12


@dataclass(frozen=True)
class Source:
    """The files of one kind.

    Attributes:
        file: their kind.
        layouts: of each file, by path or URL; none if there are no such files.
    """

    file: InputFile
    layouts: dict[str, Layout]

    def groups(self) -> Iterator[tuple[Layout, list[str]]]:
        """Each layout with its files."""
        for layout in dict.fromkeys(self.layouts.values()):
            yield layout, [path for path, other in self.layouts.items() if other == layout]


def require_folder(given: Input) -> None:
    """Raise InputDataError if input.movielens is not set."""
    if not given.movielens:
        raise InputDataError(_NO_FOLDER)


def find_source(files: Files, given: Input, file: InputFile) -> Source:
    """Find the files of a kind in input.movielens, and read the first bytes of each.

    Args:
        files: back end of the folder.
        given: section of the configuration, with a folder.
        file: what to look for.

    Raises:
        InputDataError: if a required file is missing, or a file cannot be read with these settings.
    """
    chosen = FORMATS[given.format]
    names = _find_names(files, given, file, chosen)
    if not names and not file.required:
        return Source(file, {})
    if not names:
        _refuse_missing(files, given, file, chosen)
    encoding = given.encoding or chosen.encoding
    paths = (join(given.movielens, name) for name in names)
    heads = {path: head_of(files, path, encoding) for path in paths}
    how = HOW_TO_SET if file.required else f"{HOW_TO_SET}, or remove {file.name}: it is optional"
    layouts = lay_out(heads, file, chosen, how)
    if names != [file.name]:
        shown = [*names[:_SHOWN], *(["..."] if len(names) > _SHOWN else [])]
        log.info("%s: is read from %s", file.name, ", ".join(shown))
    return Source(file, layouts)


def _find_names(files: Files, given: Input, file: InputFile, chosen: Format) -> list[str]:
    """The files' names within the folder, in order."""
    pattern = getattr(given, f"{file.stem}_files")
    if pattern:
        return _match(files, given.movielens, pattern)
    there = {stored.name for stored in files.list(given.movielens)}
    for candidate in _candidates(file, chosen):
        if candidate in there:
            return [candidate]
        if parts := _parts(files, given.movielens, candidate):
            return parts
    return []


def _candidates(file: InputFile, chosen: Format) -> list[str]:
    headerless = chosen.files.get(file.stem)
    own = [headerless.file + ending for ending in ("", ".gz", ".bz2")] if headerless else []
    return [*own, *(file.stem + ending for ending in _ENDINGS)]


def _match(files: Files, folder: str, pattern: str) -> list[str]:
    """The files that a name or pattern means, or the part files of the folders that it means."""
    names = readable(stored.name for stored in files.list(folder, recursive=True))
    return [n for n in names if any(fnmatch.fnmatchcase(p, pattern) for p in _ancestors(n))]


def _ancestors(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _parts(files: Files, folder: str, name: str) -> list[str]:
    """The files in a folder of part files, by their names within the folder above."""
    listed = [f"{name}/{s.name}" for s in files.list(join(folder, name), recursive=True)]
    if any(part.startswith(f"{name}/_delta_log/") for part in listed):
        raise InputDataError(
            f"{join(folder, name)}: is a Delta table, whose folder also holds files of earlier "
            "versions: write its rows as CSV or Parquet"
        )
    return readable(listed)


def readable(names: Iterator[str] | Sequence[str]) -> list[str]:
    """The names without what Spark and file systems put next to files, such as _SUCCESS."""
    return [n for n in names if not any(part.startswith(("_", ".")) for part in n.split("/"))]


def head_of(files: Files, path: str, encoding: str) -> Head:
    """The beginning of a file: see read_head."""
    content = files.read(path, BZIP2_HEAD_BYTES if path.endswith(".bz2") else HEAD_BYTES)
    return read_head(path, content, encoding)


def _refuse_missing(files: Files, given: Input, file: InputFile, chosen: Format) -> None:
    pattern = getattr(given, f"{file.stem}_files")
    path = join(given.movielens, pattern or _candidates(file, chosen)[0])
    there = sorted({s.name for s in files.list(given.movielens)})
    holds = f". The folder holds {', '.join(there[:_SHOWN])}" if there else ""
    others = [n for n in FORMATS if _has_files_of(there, FORMATS[n]) and n != given.format]
    hint = f"set input.format={' or '.join(others)}, or " if others else ""
    key = f"or input.{file.stem}_files to its name within the folder"
    raise InputDataError(f"{path}: there is no such file; {hint}{HOW_TO_SET}, {key}{holds}")


def _has_files_of(names: Sequence[str], other: Format) -> bool:
    return any(headerless.file in names for headerless in other.files.values())
