"""A real HAProxy before our listeners, with the timeouts and checks of the one in deploy/."""

from pathlib import Path

from peers import LOOPBACK, Process, answers, free_port
from programs import find_program

DEPLOYED = Path(__file__).parents[1] / "deploy" / "haproxy" / "haproxy.cfg"
DEFAULTS = DEPLOYED.read_text().split("\ndefaults\n")[1].split("\nfrontend")[0]


class HAProxy(Process):
    """Spreads the associations that come to ``port`` over listeners; calls them from ``source``."""

    def __init__(
        self, folder: Path, listeners: list[str], source: str = LOOPBACK, how: str = "send-proxy-v2"
    ) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.listeners, self.source, self.how = listeners, source, how

    def command(self) -> list[str]:
        servers = "\n".join(
            f"    server l{number} {place} source {self.source}"
            for number, place in enumerate(self.listeners)
        )
        path = self.folder / "haproxy.cfg"
        path.write_text(f"""
global
    log stdout format raw local0 notice
defaults
{DEFAULTS}
frontend dicom
    bind {self.host}:{self.port}
    default_backend listeners
backend listeners
    balance roundrobin
    default-server check inter 300ms fall 2 rise 1 {self.how}
{servers}
""")
        return [find_program("haproxy"), "-db", "-f", str(path)]

    def is_ready(self) -> bool:
        return answers(self.port, self.host)
