"""Real programs of other projects, each on a free loopback port and in a folder of its own.

A peer is a context manager: it is ready when entered and gone when left. The fixtures at the end
keep one of each for a test module.
"""

import contextlib
import itertools
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from programs import find_program

LOOPBACK = "127.0.0.1"
# DCMTK and Orthanc leave Nagle's algorithm on, which costs 40 ms an object
QUICK = {**os.environ, "TCP_NODELAY": "1"}
PATIENCE_S = 200.0
"""How long what must come is waited for: a machine that runs many tests at once is slow."""
REFUSED_BY_RECEIVER = re.compile(r"Received C-STORE Response \((?!Success|Warning)")
GONE_WITHIN_S = 15.0


def _ports() -> Iterator[int]:
    """Count through ports from which no system takes those of outgoing connections.

    Processes of one test run share none: a port is often given long before somebody listens there.
    """
    share = 2_000
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 10
    ports = range(12_000 + number * share, 12_000 + (number + 1) * share)
    start = random.SystemRandom().randrange(share)
    yield from itertools.cycle([*ports[start:], *ports[:start]])


_PORTS = _ports()


def free_port() -> int:
    """Give a port that nothing listens on, and that was not given before."""
    return next(port for port in _PORTS if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def answers(port: int, host: str = LOOPBACK) -> bool:
    """Say whether something accepts connections on a port, a loopback port by default."""
    with socket.socket() as sock:
        sock.settimeout(PATIENCE_S)
        return sock.connect_ex((host, port)) == 0


def wait_for(what: str, holds: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """Wait until something holds and return it; say what was missing if it never does."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {within_s:.0f} s in vain for {what}")


class Process:
    """A program that runs as long as its context; what it says goes to ``log`` in its folder.

    It answers at ``host``, and is started by the command ``through``, if there is one.
    """

    stop_signal = signal.SIGTERM
    host = LOOPBACK
    through: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "said.log"
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    def options(self) -> dict[str, Any]:
        """Give further arguments of Popen."""
        return {}

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        options = {"env": QUICK, "cwd": self.folder, "start_new_session": True, **self.options()}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.through, *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **options,
            )
        try:
            what = f"{type(self).__name__} to be ready"
            wait_for(what, self._ready_or_dead)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _ready_or_dead(self) -> bool:
        if self.process.poll() is not None:
            said = self.log.read_text(errors="replace")[-2000:]
            raise AssertionError(f"{type(self).__name__} ended by itself:\n{said}")
        return self.is_ready()

    def stop(self) -> None:
        """End it politely, then by force; nothing that it started is left behind."""
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(GONE_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None


class Orthanc(Process):
    """A PACS: stores over DICOM, answers over HTTP."""

    # its polite end takes seconds, for an index that is thrown away
    stop_signal = signal.SIGKILL

    def __init__(self, folder: Path, aet: str = "ORTHANC", check_called_aet: bool = True) -> None:
        super().__init__(folder)
        self.aet, self.port, self.http_port = aet, free_port(), free_port()
        self.check_called_aet = check_called_aet

    def command(self) -> list[str]:
        settings = {
            "Name": "tests",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "index"),
            "DicomAet": self.aet,
            "DicomPort": self.port,
            "DicomCheckCalledAet": self.check_called_aet,
            "HttpPort": self.http_port,
            "AuthenticationEnabled": False,
            "RemoteAccessAllowed": False,
            "OverwriteInstances": False,
            "Plugins": [],
        }
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(settings))
        return [find_program("Orthanc"), str(path)]

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(self.get("/system")) and answers(self.port)
        return False

    def ask(self, method: str, path: str, body: Any = None) -> bytes:
        url = f"http://{LOOPBACK}:{self.http_port}{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, method=method)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return bytes(reply.read())

    def get(self, path: str) -> Any:
        return json.loads(self.ask("GET", path))

    def know(self, aet: str, port: int) -> None:
        """Tell Orthanc of an AE on this host, under its own title."""
        self.ask("PUT", f"/modalities/{aet}", [aet, LOOPBACK, port])

    def instances(self) -> list[str]:
        """List Orthanc's own names of what it stores."""
        return list(self.get("/instances"))

    def file(self, instance: str) -> bytes:
        """Read one stored object back, as a Part 10 file."""
        return self.ask("GET", f"/instances/{instance}/file")

    def tags(self, instance: str) -> dict[str, Any]:
        """Read one object's data set by keyword."""
        return dict(self.get(f"/instances/{instance}/simplified-tags"))

    def statistics(self) -> dict[str, Any]:
        return dict(self.get("/statistics"))

    def delete_all(self) -> None:
        for patient in self.get("/patients"):
            self.ask("DELETE", f"/patients/{patient}")


class DcmtkStorescp(Process):
    """DCMTK's receiver, a process for each association; files are named by SOP Instance UID."""

    def __init__(self, folder: Path, aet: str = "STORESCP") -> None:
        super().__init__(folder)
        self.aet, self.port, self.store = aet, free_port(), folder / "received"

    def command(self) -> list[str]:
        self.store.mkdir(exist_ok=True)
        where = ["--output-directory", str(self.store), "--filename-extension", ".dcm"]
        # a name server may be out of reach
        how = ["--fork", "--disable-host-lookup", "--aetitle", self.aet]
        return [find_program("storescp"), *how, *where, str(self.port)]

    def is_ready(self) -> bool:
        return answers(self.port, self.host)

    def files(self) -> list[Path]:
        return sorted(self.store.glob("*.dcm"))


class DcmtkQrscp(Process):
    """DCMTK's archive: it sends what it is asked to move to the titles it was told of at the start.

    Parameters
    ----------
    known : mapping
        Port on this host of each.
    """

    def __init__(self, folder: Path, known: Mapping[str, int]) -> None:
        super().__init__(folder)
        self.aet, self.port, self.known = "QRSCP", free_port(), known

    def command(self) -> list[str]:
        store, settings = self.folder / "store", self.folder / "dcmqrscp.cfg"
        store.mkdir(exist_ok=True)
        hosts = [f"h{port} = ({aet}, {LOOPBACK}, {port})" for aet, port in self.known.items()]
        lines = [
            f"NetworkTCPPort = {self.port}",
            "MaxPDUSize = 16384",
            "MaxAssociations = 16",
            *("HostTable BEGIN", *hosts, "HostTable END"),
            *("VendorTable BEGIN", "VendorTable END"),
            *("AETable BEGIN", f"{self.aet} {store} RW (99, 100mb) ANY", "AETable END"),
        ]
        settings.write_text("\n".join(lines) + "\n")
        # a name server may be out of reach
        return [find_program("dcmqrscp"), "--disable-host-lookup", "--config", str(settings)]

    def is_ready(self) -> bool:
        return answers(self.port, self.host)


class RedisServer(Process):
    """A broker that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"

    def command(self) -> list[str]:
        nothing_kept = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        where = ["--bind", self.host, "--port", str(self.port), "--protected-mode", "no"]
        return [find_program("redis-server"), *where, *nothing_kept]

    def is_ready(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((self.host, self.port), 1) as sock,
        ):
            sock.sendall(b"PING\r\n")
            return sock.recv(7) == b"+PONG\r\n"
        return False


class PostgresServer(Process):
    """A PostgreSQL cluster of its own, gone with its folder, never run as root: it refuses."""

    # fast shutdown: it does not wait for clients
    stop_signal = signal.SIGINT

    def __init__(self) -> None:
        # pytest's folders are closed to other users, and a socket's path must be short
        super().__init__(Path(tempfile.mkdtemp(prefix="osteoscreen-pg-")))
        self.port = free_port()
        self.databases = 0

    def __enter__(self) -> Self:
        if owner := self._user().get("user"):
            account = pwd.getpwnam(owner)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._run(
            "initdb", "-U", "osteoscreen", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"
        )
        with (self.folder / "data" / "pg_hba.conf").open("a") as allowed:
            allowed.write("host all all samenet trust\n")
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self) -> list[str]:
        careless = [
            "-c",
            "fsync=off",
            "-c",
            "full_page_writes=off",
            "-c",
            f"listen_addresses={self.host}",
        ]
        where = ["-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder)]
        return [self._binary("postgres"), *where, *careless]

    def options(self) -> dict[str, Any]:
        # what it is started through may have to be root, and takes the user itself
        return {"env": {**QUICK, "LC_ALL": "C"}, **({} if self.through else self._user())}

    def is_ready(self) -> bool:
        asked = [self._binary("pg_isready"), "-q", "-h", self.host, "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def new_database(self, like: str = "template1") -> str:
        """Make a database, empty or as the one of another URL is, and return its URL."""
        self.databases += 1
        name, template = f"osteoscreen_{self.databases}", like.rpartition("/")[2]
        where = ["-h", self.host, "-p", str(self.port), "-U", "osteoscreen", "-T", template]
        subprocess.run([self._binary("createdb"), *where, name], check=True, capture_output=True)
        return f"postgresql://osteoscreen@{self.host}:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._binary(program), "-D", str(self.folder / "data"), *arguments]
        options = self.options() | self._user()
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **options)

    @staticmethod
    def _binary(name: str) -> str:
        # Debian keeps one folder a version and none of them on the path
        versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        return str(versions[-1]) if versions else find_program(name)

    @staticmethod
    def _user() -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        return {"user": "postgres", "group": "postgres", "extra_groups": []}


def run_sender(program: str, *arguments: str | Path) -> tuple[int, str]:
    """Run one of DCMTK's senders; return its exit status and all that it said."""
    command = [find_program(program), *map(str, arguments)]
    ran = subprocess.run(
        command,
        env=QUICK,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=240,
    )
    return ran.returncode, ran.stdout.decode(errors="replace")


def echoscu(port: int, called: str, calling: str = "MODALITY") -> tuple[int, str]:
    return run_sender("echoscu", "-v", "-aet", calling, "-aec", called, LOOPBACK, str(port))


def storescu(
    port: int,
    paths: Iterable[Path],
    called: str,
    calling: str = "MODALITY",
    host: str = LOOPBACK,
) -> tuple[int, str]:
    """Send files as the older modalities do; compressed ones need ``dcmsend``."""
    titles = ["-aet", calling, "-aec", called]
    return run_sender("storescu", "-v", "-R", "+sd", "+r", *titles, host, str(port), *paths)


def dcmsend(
    port: int, paths: Iterable[Path], called: str, calling: str = "MODALITY"
) -> tuple[int, str]:
    """Send files of any transfer syntax, each as it is.

    The number is DCMTK's exit code or, as that says nothing of statuses, how many were refused.
    """
    how = ["-v", "+sd", "+r", "--decompress-never", "-aet", calling, "-aec", called]
    code, said = run_sender("dcmsend", *how, LOOPBACK, str(port), *paths)
    return code or len(REFUSED_BY_RECEIVER.findall(said)), said


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with Orthanc(tmp_path_factory.mktemp("orthanc")) as peer:
        yield peer


@pytest.fixture(scope="module")
def dcmtk_storescp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DcmtkStorescp]:
    with DcmtkStorescp(tmp_path_factory.mktemp("storescp")) as peer:
        yield peer


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as peer:
        yield peer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with PostgresServer() as peer:
        yield peer
