"""Hosts as network namespaces on one bridge, each with its own address and a cable to pull."""

import contextlib
import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest
from programs import find_program, missing

NETEM_MISSING = "qdisc kind is unknown"


@dataclass
class Host:
    """One host: what runs ``through`` it has its network, and no other."""

    name: str
    address: str
    space: str
    cable: str

    @property
    def through(self) -> tuple[str, ...]:
        return (find_program("nsenter"), f"--net=/run/netns/{self.space}", "--")

    def through_as(self, user: str) -> tuple[str, ...]:
        account = pwd.getpwnam(user)
        ids = (f"--setuid={account.pw_uid}", f"--setgid={account.pw_gid}")
        return (*self.through[:-1], *ids, "--")


@dataclass
class Network:
    """A bridge in this process' own network, so that a test reaches every host as they do."""

    hosts: dict[str, Host] = field(default_factory=dict)
    number: int = field(default_factory=lambda: os.getpid() % 250)

    @property
    def bridge(self) -> str:
        return f"osc{os.getpid() % 100_000}"

    @property
    def address(self) -> str:
        """Where the test itself is."""
        return self._address(254)

    def _address(self, last: int) -> str:
        # RFC 2544: set aside for tests of networks
        return f"198.18.{self.number}.{last}"

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            pytest.skip("network namespaces are made by root")
        find_program("ip")
        try:
            _ip("link", "add", self.bridge, "type", "bridge")
        except subprocess.CalledProcessError as error:
            missing(f"a kernel with bridges and network namespaces ({error.stderr.strip()})")
        _ip("addr", "add", f"{self.address}/24", "dev", self.bridge)
        _ip("link", "set", self.bridge, "up")
        return self

    def __exit__(self, *_: object) -> None:
        for host in self.hosts.values():
            _ip("netns", "del", host.space, check=False)
            _ip("link", "del", host.cable, check=False)
        _ip("link", "del", self.bridge, check=False)

    def host(self, name: str) -> Host:
        """Add a host."""
        count = len(self.hosts) + 1
        space, cable = f"{self.bridge}-{name}", f"{self.bridge}v{count}"
        host = Host(name, self._address(count), space, cable)
        _ip("netns", "add", space)
        self.hosts[name] = host
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("-n", space, "addr", "add", f"{host.address}/24", "dev", "eth0")
        for where in (["-n", space, "link", "set", "lo"], ["-n", space, "link", "set", "eth0"]):
            _ip(*where, "up")
        _ip("link", "set", cable, "master", self.bridge, "up")
        return host

    @contextlib.contextmanager
    def cut_off(self, *names: str) -> Iterator[None]:
        """Let nothing through to hosts or from them, and tell nobody; then mend it."""
        for name in names:
            _ip("link", "set", self.hosts[name].cable, "nomaster")
        try:
            yield
        finally:
            for name in names:
                _ip("link", "set", self.hosts[name].cable, "master", self.bridge)

    @contextlib.contextmanager
    def slow(self, delay_ms: int, loss_percent: float, *names: str) -> Iterator[str]:
        """Delay and lose what hosts send and get; yield by what: netem, or a wire of our own."""
        with contextlib.ExitStack() as stack:
            how = {
                stack.enter_context(self._one_slow(delay_ms, loss_percent, self.hosts[name]))
                for name in names
            }
            yield " ".join(how)

    @contextlib.contextmanager
    def _one_slow(self, delay_ms: int, loss_percent: float, host: Host) -> Iterator[str]:
        netem = ["netem", "delay", f"{delay_ms}ms", "loss", f"{loss_percent}%"]
        where = ["dev", "eth0", "root"]
        try:
            _tc("-n", host.space, "qdisc", "add", *where, *netem)
        except subprocess.CalledProcessError as error:
            if NETEM_MISSING not in error.stderr:
                raise
            with self._wire(delay_ms, loss_percent, host):
                yield "a wire of our own (this kernel has no netem)"
            return
        _tc("qdisc", "add", "dev", host.cable, "root", *netem)
        yield "tc netem"
        _tc("-n", host.space, "qdisc", "del", *where)
        _tc("qdisc", "del", "dev", host.cable, "root")

    @contextlib.contextmanager
    def _wire(self, delay_ms: int, loss_percent: float, host: Host) -> Iterator[None]:
        """Put a program in the place of the cable: what it carries, it carries late or not at all.

        The host keeps its address and the number of its card, so connections outlive the change.
        """
        near, far = f"{host.cable}n", f"{host.cable}f"
        card = json.loads(_ip("-n", host.space, "-j", "link", "show", "eth0"))[0]["address"]
        place = f"{host.address}/24"
        command = [sys.executable, str(Path(__file__).with_name("lossy_wire.py")), near, far]
        command += [str(delay_ms), str(loss_percent)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as wire:
            assert wire.stdout and wire.stdout.readline() == "ready\n"
            _ip("link", "set", near, "netns", host.space)
            _ip("-n", host.space, "link", "set", near, "address", card)
            _ip("link", "set", host.cable, "nomaster")
            _ip("link", "set", far, "master", self.bridge, "up")
            _ip("-n", host.space, "addr", "del", place, "dev", "eth0")
            _ip("-n", host.space, "addr", "add", place, "dev", near)
            _ip("-n", host.space, "link", "set", near, "up")
            try:
                yield
            finally:
                wire.terminate()
                wire.wait()
                _ip("-n", host.space, "addr", "add", place, "dev", "eth0")
                _ip("link", "set", host.cable, "master", self.bridge)


def _ip(*words: str, check: bool = True) -> str:
    return _run(find_program("ip"), *words, check=check)


def _tc(*words: str) -> str:
    return _run(find_program("tc"), *words)


def _run(*command: str, check: bool = True) -> str:
    return subprocess.run(command, check=check, capture_output=True, text=True).stdout
