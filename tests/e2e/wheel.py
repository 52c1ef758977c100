"""The project as its users have it without a clone: a wheel, installed into its own environment."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from launching import PROJECT

BUILD = "from setuptools import build_meta; build_meta.build_wheel({folder!r})"


def build_wheel(folder: Path) -> Path:
    """Build the wheel of a copy of the project, because setuptools writes into its folder."""
    copy = folder / "copy"
    for part in ("mmdin", "spark_jobs", "conf", "submit"):
        shutil.copytree(PROJECT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("setup.py", "pyproject.toml"):
        shutil.copy(PROJECT / file, copy)
    _run(sys.executable, "-c", BUILD.format(folder=str(folder)), cwd=copy)
    (wheel,) = folder.glob("mmdin-*.whl")
    return wheel


def install_wheel(wheel: Path, folder: Path) -> Path:
    """Install the wheel, without what it needs, and return the path of the command mmdin.

    The new environment finds the other packages in this one's, but not this one's mmdin.
    """
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    options = ("--no-deps", "--no-index", "--no-compile", "--quiet")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    _run(*pip, "--python", str(folder / "bin/python"), "install", *options, str(wheel), cwd=folder)
    return folder / "bin" / "mmdin"


def _run(*command: str, cwd: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    ended = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
