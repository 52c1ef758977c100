"""The command mmdin: `mmdin JOB --conf FILE [--set KEY=VALUE ...]`."""

import importlib
import sys
from collections.abc import Sequence

from mmdin.errors import MmdinError
from mmdin.submission.command import run_command


def main() -> None:
    """Run a job, and end with its status."""
    try:
        run_command(sys.argv[1:], _run_here)
    except MmdinError as error:
        print(f"mmdin: error: {error}", file=sys.stderr)
        sys.exit(2)


def _run_here(name: str, options: Sequence[str]) -> None:
    from mmdin.session import submit

    submit(importlib.import_module(f"spark_jobs.{name}").run, name, options)


if __name__ == "__main__":
    main()
