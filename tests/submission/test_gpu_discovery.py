import json
import os
import subprocess
from pathlib import Path

import pytest
from submitting import PROJECT


def discover(folder: Path, nvidia_smi: str) -> subprocess.CompletedProcess[str]:
    """Run the script on a machine whose nvidia-smi is invented."""
    invented = folder / "nvidia-smi"
    invented.write_text(f"#!/bin/sh\n{nvidia_smi}\n")
    invented.chmod(0o755)
    return subprocess.run(
        [str(PROJECT / "submit/gpu_discovery.sh")],
        env={"PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("indices", [["0"], ["0", "1", "2", "11"]])
def test_every_gpu_is_named_as_spark_wants_it(tmp_path: Path, indices: list[str]) -> None:
    lines = "\\n".join(indices)
    found = discover(
        tmp_path,
        f'[ "$*" = "--query-gpu=index --format=csv,noheader" ] && printf "{lines}\\n"',
    )
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout) == {"name": "gpu", "addresses": indices}


@pytest.mark.parametrize("nvidia_smi", ["echo No devices were found", "exit 9", "true"])
def test_a_machine_without_gpus_is_an_error(tmp_path: Path, nvidia_smi: str) -> None:
    found = discover(tmp_path, nvidia_smi)
    assert found.returncode != 0
    assert not found.stdout
