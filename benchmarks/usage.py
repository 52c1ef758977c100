"""What a command takes: time, CPU time and memory, of all its processes together."""

import bisect
import datetime
import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil

LAUNCHER = Path(__file__).resolve().parents[1] / "submit" / "local.sh"
_INTERVAL = 0.25
"""Seconds between two looks at the processes; of one that ends, less than this is not counted."""
_MEMORY_EVERY = 8
"""Looks from one at memory to the next: it takes the kernel long to add up what is shared."""
_STAGE_ENDED = re.compile(r"^(\S+ \S+) INFO == (\w+): ([\d.]+) s, \d+ Spark jobs$", re.MULTILINE)


@dataclass
class Usage:
    """What a command took until it ended.

    Attributes:
        seconds: wall time.
        times: seconds since 1970 of each look at the processes.
        cpu_seconds: user and system time until each look.
        bytes_held: at each look; memory that processes share is counted once.
    """

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    bytes_held: list[int] = field(default_factory=list)

    @property
    def memory(self) -> int:
        """Most bytes held at one time."""
        return max(self.bytes_held)

    @property
    def cpu(self) -> float:
        """CPU seconds of the whole command."""
        return self.cpu_seconds[-1]

    def cpu_between(self, start: float, end: float) -> float:
        """CPU seconds between two times, to the nearest look at the processes."""
        first, final = self._looks(start, end)
        return self.cpu_seconds[final] - self.cpu_seconds[first]

    def memory_between(self, start: float, end: float) -> int:
        """Most bytes held between two times, to the nearest look at the processes."""
        first, final = self._looks(start, end)
        return max(self.bytes_held[first : final + 1])

    def _looks(self, start: float, end: float) -> tuple[int, int]:
        last = len(self.times) - 1
        first, final = (min(bisect.bisect(self.times, t), last) for t in (start, end))
        return first, final


class StageTime(NamedTuple):
    """A stage as a job's log reports it: seconds since 1970 of its start and end."""

    name: str
    start: float
    end: float


class CommandFailedError(Exception):
    """A command that is measured failed; the message names its log."""


def measure(
    command: Sequence[str | Path],
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Usage:
    """Run a command to its end.

    Args:
        command: program and arguments.
        log: file for what it prints.
        environment: variables added to this process's.
        folder: in which it runs, this process's if not given.

    Raises:
        CommandFailedError: The command's status is not 0.
    """
    usage = Usage()
    taken: dict[tuple[int, float], float] = {}
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=folder,
        )
        while process.poll() is None:
            _look(psutil.Process(process.pid), usage, taken)
            time.sleep(_INTERVAL)
    usage.seconds = time.monotonic() - began
    if process.returncode:
        raise CommandFailedError(f"{' '.join(map(str, command))}: status not 0; see {log}")
    return usage


def _look(root: psutil.Process, usage: Usage, taken: dict[tuple[int, float], float]) -> None:
    """Add to usage what the processes hold and have taken so far.

    Args:
        root: the command's process.
        usage: is changed.
        taken: CPU seconds by process; keeps those of processes that have ended.
    """
    memory, counts_memory = 0, len(usage.times) % _MEMORY_EVERY == 0
    try:
        processes = [root, *root.children(recursive=True)]
    except psutil.Error:
        processes = []
    for process in processes:
        try:
            times = process.cpu_times()
            taken[process.pid, process.create_time()] = times.user + times.system
            memory += process.memory_full_info().pss if counts_memory else 0
        except psutil.Error:  # It has ended.
            continue
    if not counts_memory:
        memory = usage.bytes_held[-1]
    usage.bytes_held.append(memory)
    usage.times.append(time.time())
    usage.cpu_seconds.append(sum(taken.values()))


def seconds_of(logged: str) -> float:
    """Seconds since 1970 of a time as a job's log has it."""
    return datetime.datetime.strptime(logged, "%Y-%m-%d %H:%M:%S,%f").timestamp()


def stage_times(log: str) -> list[StageTime]:
    """The stages that ran, from the text of the log of job pipeline."""
    ends = ((name, seconds_of(at), float(taken)) for at, name, taken in _STAGE_ENDED.findall(log))
    return [StageTime(name, end - taken, end) for name, end, taken in ends]


def take_turns(measures: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The highest speed of each of some rounds, after one round to warm up.

    Args:
        measures: by name, what is measured: each gives a speed.
        rounds: their number.
    """
    fastest = dict.fromkeys(measures, 0.0)
    for measured in range(rounds + 1):
        speeds = {name: measure_one() for name, measure_one in measures.items()}
        if measured:
            fastest = {name: max(fastest[name], speed) for name, speed in speeds.items()}
    return fastest


def cpu_of_children_during(run: Callable[[], object]) -> float:
    """CPU seconds that this process's children take while a function runs."""
    began = _cpu_of_children()
    run()
    return _cpu_of_children() - began


def _cpu_of_children() -> float:
    """CPU seconds so far of this process's children and of all that they have started."""
    taken = 0.0
    for process in psutil.Process().children(recursive=True):
        times = process.cpu_times()
        # Those of processes that have ended are with the process that had started them.
        taken += times.user + times.system + times.children_user + times.children_system
    return taken
