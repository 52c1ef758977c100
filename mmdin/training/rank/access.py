"""A check, before training, that every rank can read the samples and write its checkpoints."""

import uuid

import pyarrow as pa
import pyarrow.parquet as pq

from mmdin.errors import ClusterError, StorageError
from mmdin.storage import Files, Folder, is_local, join
from mmdin.training.assignment import Assignment
from mmdin.training.ranks import Communicator


def check_access(assignment: Assignment, communicator: Communicator, files: Files) -> None:
    """Check that every rank can read the samples and write the checkpoint folder.

    Every rank reads the footer of the first file. The other files are divided among the ranks. Of a
    local file the footer is read. A remote file would have to be copied to be read, so only its
    size is asked for.

    Args:
        assignment: names the files and the folder.
        communicator: through which ranks report their problems to one another.
        files: this rank's access to storage.

    Raises:
        ClusterError: some rank cannot, on every rank alike. The message names each such rank, its
            host and its problem.
    """
    first, *others = (f.url for f in (*assignment.train_files, *assignment.validation_files))
    try:
        _read_footer(files, first)
        for url in others[communicator.rank :: communicator.size]:
            _read_footer(files, url) if is_local(url) else files.size(url)
        problem = None
    except StorageError as error:
        problem = f"cannot read {error}"
    problem = problem or _try_to_write(Folder(files, assignment.checkpoint))
    report = problem and f"rank {communicator.rank} on {communicator.host} {problem}"
    reports = [report for report in communicator.allgather_object(report) if report]
    if reports:
        raise ClusterError(
            f"{'; '.join(reports)}. Ranks on several hosts need a root that every host can reach; "
            "to replace damaged files, run build_samples again"
        )


def _read_footer(files: Files, url: str) -> None:
    with files.reading(url) as path:
        try:
            pq.read_metadata(path)
        except pa.ArrowException as error:
            raise OSError(str(error)) from error


def _try_to_write(folder: Folder) -> str | None:
    """Write and remove an empty file; return what went wrong."""
    probe = f"probe-{uuid.uuid4().hex}"
    try:
        with folder.writing(probe) as path:
            path.write_bytes(b"")
        folder.remove(probe)
    except StorageError as error:
        reason = str(error).removeprefix(f"{join(folder.url, probe)}: ")
        return f"cannot write to {folder.url}: {reason}"
    return None
