"""Hosts on this machine: network namespaces joined by a bridge, each with a name and an eth0."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_BRIDGE = "mmdin-bridge"


@dataclass(frozen=True)
class Host:
    """A namespace: its name, which is also its host name, and its address."""

    name: str
    address: str

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The arguments as a command that runs on this host."""
        named = f'hostname {self.name} && exec "$@"'
        inside = ["unshare", "--uts", "sh", "-c", named, "sh", *arguments]
        return ["ip", "netns", "exec", self.name, *inside]


def can_make_hosts() -> bool:
    """Whether this process may make namespaces."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


@contextlib.contextmanager
def make_hosts(names: Sequence[str]) -> Iterator[list[Host]]:
    """Hosts that reach one another, also by name, and nothing else."""
    hosts = [Host(name, f"10.77.0.{n}") for n, name in enumerate(names, start=1)]
    _remove(hosts)
    try:
        _ip("link", "add", _BRIDGE, "type", "bridge")
        _ip("link", "set", _BRIDGE, "up")
        for number, host in enumerate(hosts):
            _make(host, number, hosts)
        yield hosts
    finally:
        _remove(hosts)


def _make(host: Host, number: int, hosts: Sequence[Host]) -> None:
    settings = Path("/etc/netns", host.name)
    settings.mkdir(parents=True, exist_ok=True)
    lines = ["127.0.0.1 localhost", *(f"{h.address} {h.name}" for h in hosts)]
    (settings / "hosts").write_text("\n".join([*lines, ""]))
    _ip("netns", "add", host.name)
    plug = f"mmdin-plug{number}"
    # One name for the interface on every host: Horovod looks for one that all have.
    _ip("link", "add", plug, "type", "veth", "peer", "name", "eth0", "netns", host.name)
    _ip("link", "set", plug, "master", _BRIDGE, "up")
    _ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", "eth0")
    _ip("-n", host.name, "link", "set", "eth0", "up")
    _ip("-n", host.name, "link", "set", "lo", "up")


def _remove(hosts: Sequence[Host]) -> None:
    for host in hosts:
        subprocess.run(["ip", "netns", "del", host.name], check=False, capture_output=True)
        shutil.rmtree(Path("/etc/netns", host.name), ignore_errors=True)
    subprocess.run(["ip", "link", "del", _BRIDGE], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
