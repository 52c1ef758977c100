"""Whether every rank's host can read the samples and write the checkpoints."""

import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mmdin.errors import ClusterError
from mmdin.storage import local_path
from mmdin.tables import DataFile
from mmdin.training.assignment import Assignment
from mmdin.training.ranks import Ranks


def check_access(assignment: Assignment, ranks: Ranks) -> None:
    """Let every rank try the samples and the checkpoint folder.

    All try the first file; the others are shared out, and of each only its end is read, where
    Parquet keeps what the file holds.

    Raises ClusterError, on every rank alike, naming each rank, its host and what it cannot do.
    """
    files = [*assignment.train_files, *assignment.validation_files]
    own = [files[0], *files[1 + ranks.rank :: ranks.size]]
    problem = next(filter(None, map(_cannot_read, own)), None)
    problem = problem or _cannot_write(Path(assignment.checkpoint))
    said = problem and f"rank {ranks.rank} on {ranks.host} {problem}"
    problems = [said for said in ranks.gather_objects(said) if said]
    if problems:
        raise ClusterError(
            f"{'; '.join(problems)}. Ranks on several hosts need a root that all of them see; "
            "files that are damaged, build_samples writes again"
        )


def _cannot_read(file: DataFile) -> str | None:
    path = local_path(file.url)
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        return f"cannot read {path}: {_reason(error)}"
    return None


def _cannot_write(folder: Path) -> str | None:
    probe = folder / f"probe-{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return f"cannot write to {folder}: {_reason(error)}"
    return None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
