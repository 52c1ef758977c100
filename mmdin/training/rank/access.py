"""Whether every rank's host can read the samples and write the checkpoints."""

import uuid

import pyarrow as pa
import pyarrow.parquet as pq

from mmdin.errors import ClusterError, StorageError
from mmdin.storage import Files, Folder, is_local, join
from mmdin.training.assignment import Assignment
from mmdin.training.ranks import Ranks


def check_access(assignment: Assignment, ranks: Ranks, files: Files) -> None:
    """Let every rank try the samples and the checkpoint folder.

    All try the first file; the others are shared out, and of each only its end is read, where
    Parquet keeps what the file holds. Of files that would have to be copied to be read, but for the
    first, no more is asked than whether they are there.

    Raises ClusterError, on every rank alike, naming each rank, its host and what it cannot do.
    """
    first, *others = (f.url for f in (*assignment.train_files, *assignment.validation_files))
    try:
        _read_end(files, first)
        for url in others[ranks.rank :: ranks.size]:
            _read_end(files, url) if is_local(url) else files.size(url)
        problem = None
    except StorageError as error:
        problem = f"cannot read {error}"
    problem = problem or _cannot_write(Folder(files, assignment.checkpoint))
    said = problem and f"rank {ranks.rank} on {ranks.host} {problem}"
    problems = [said for said in ranks.gather_objects(said) if said]
    if problems:
        raise ClusterError(
            f"{'; '.join(problems)}. Ranks on several hosts need a root that all of them see; "
            "files that are damaged, build_samples writes again"
        )


def _read_end(files: Files, url: str) -> None:
    with files.reading(url) as path:
        try:
            pq.read_metadata(path)
        except pa.ArrowException as error:
            raise OSError(str(error)) from error


def _cannot_write(folder: Folder) -> str | None:
    probe = f"probe-{uuid.uuid4().hex}"
    try:
        with folder.writing(probe) as path:
            path.write_bytes(b"")
        folder.remove(probe)
    except StorageError as error:
        reason = str(error).removeprefix(f"{join(folder.url, probe)}: ")
        return f"cannot write to {folder.url}: {reason}"
    return None
