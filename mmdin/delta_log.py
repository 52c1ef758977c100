"""A Delta table's log, read from its files without Spark: its newest version and what that holds.

Delta writes a checksum file with each commit, though it need not. It has the table's metadata and,
of a table of no more than a hundred files, these.
"""

import json
import re
from typing import Any
from urllib.parse import unquote

from mmdin.storage import Files, join

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\..+)?\.(?:parquet|json)")


class DeltaLog:
    """The log at the moment at which this was created.

    Args:
        files: back end of the table.
        table: path or URL of the table's folder.
    """

    def __init__(self, files: Files, table: str) -> None:
        self._files, self._url = files, join(table, "_delta_log")
        sizes = {file.name: file.size for file in files.list(self._url)}
        self._names = set(sizes)
        # As after a loss of power. Delta would take such a commit for one that changed nothing.
        self._empty = {name for name, size in sizes.items() if not size}

    @property
    def newest(self) -> int | None:
        """The newest version; None if there is none."""
        # Old commits are cleaned up, and then a checkpoint alone tells of theirs.
        return max(self._versions(_COMMIT) | self._versions(_CHECKPOINT), default=None)

    @property
    def lacks(self) -> int | None:
        """The first version that is needed to read the newest and is not there, or is empty.

        None if all are there.
        """
        commits, start = self._versions(_COMMIT), max(self._versions(_CHECKPOINT), default=-1)
        needed = range(start + 1, max(commits, default=-1) + 1)
        whole = {v for v in commits if f"{v:020}.json" not in self._empty}
        return next((version for version in needed if version not in whole), None)

    def metadata(self, version: int) -> dict[str, Any] | None:
        """The table's id, schemaString and configuration, if the checksum has them."""
        return self._checksum(version).get("metadata") or None

    def data_files(self, version: int) -> dict[str, int] | None:
        """Sizes of the data files by their paths in the table, if the checksum has them."""
        added = self._checksum(version).get("allFiles")
        return None if added is None else {unquote(a["path"]): a["size"] for a in added}

    def _versions(self, pattern: re.Pattern[str]) -> set[int]:
        return {int(match[1]) for match in map(pattern.fullmatch, self._names) if match}

    def _checksum(self, version: int) -> dict[str, Any]:
        name = f"{version:020}.crc"
        if name not in self._names:
            return {}
        try:
            checksum: dict[str, Any] = json.loads(self._files.read(join(self._url, name)))
        except ValueError:
            return {}
        return checksum
