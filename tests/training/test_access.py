"""What a rank cannot reach is reported before training starts."""

from dataclasses import replace
from pathlib import Path

import pytest
from one_rank import OneRank
from samples_files import make_assignment, write_samples

from mmdin.errors import ClusterError
from mmdin.storage import local_folder
from mmdin.tables import DataFile
from mmdin.training.rank.access import check_access

FILES = local_folder("").files


def test_a_folder_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    assignment = make_assignment(tmp_path, "a/new/one", write_samples(tmp_path))
    check_access(assignment, OneRank(), FILES)
    assert list(Path(assignment.checkpoint).iterdir()) == []


def test_a_missing_file_is_named_with_its_rank_and_host(tmp_path: Path) -> None:
    missing = [DataFile((tmp_path / "none here.parquet").as_uri(), 5)] * 4
    assignment = make_assignment(tmp_path, "one", missing)
    with pytest.raises(ClusterError, match=r"rank 0 on here cannot read .*/none here.parquet: "):
        check_access(assignment, OneRank(), FILES)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assignment = make_assignment(tmp_path, "one", write_samples(tmp_path))
    assignment = replace(assignment, checkpoint=str(tmp_path / "file" / "one"))
    with pytest.raises(ClusterError, match=r"rank 0 on here cannot write to .*file/one: Not a dir"):
        check_access(assignment, OneRank(), FILES)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    files = write_samples(tmp_path)
    (damaged,) = tmp_path.rglob("2.parquet")
    damaged.write_bytes(damaged.read_bytes()[:-100])
    assignment = make_assignment(tmp_path, "one", files)
    with pytest.raises(ClusterError, match=r"cannot read .*/2.parquet: .*build_samples"):
        check_access(assignment, OneRank(), FILES)
