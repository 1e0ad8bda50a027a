"""Our own system as an admin starts it: the real command, a home of its own, a free port."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from peers import LOOPBACK, QUICK, Process, answers, free_port, wait_for
from typer.testing import CliRunner, Result

from daemon.cli import app
from daemon.records import summary
from daemon.records.ledger import Ledger

COMMAND = Path(sys.executable).with_name("osteoscreen")
ENDED = {"screened", "skipped", "failed", "parked"}


class Osteoscreen(Process):
    """`osteoscreen serve` in a home of its own.

    ``peers`` are the arguments of `osteoscreen peers add`, one sequence a peer; further settings go
    into the environment, as ``min_age_years=40`` for ``OSTEOSCREEN_MIN_AGE_YEARS``.
    """

    def __init__(
        self, folder: Path, peers: Sequence[Sequence[str]] = (), only: str = "", **settings: object
    ) -> None:
        super().__init__(folder)
        self.aet, self.port, self.home = "OSTEOSCREEN", free_port(), folder / "home"
        self.only, self.known_peers = only, peers
        # a test that waits asks the ledger: a command takes a second, and a core, to start
        self.ledger = Ledger(
            str(settings.get("database_url") or f"sqlite:///{self.home}/ledger.db")
        )
        place = {"home": self.home, "aet": self.aet, "host": LOOPBACK, "port": self.port}
        # a site where a test wants one: each costs the others a second of a core
        place["web_port"] = 0
        ours = {
            f"OSTEOSCREEN_{name.upper()}": str(value) for name, value in (place | settings).items()
        }
        others = {
            name: value for name, value in QUICK.items() if not name.startswith("OSTEOSCREEN_")
        }
        self.environment = others | ours

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        self.cli("migrate")
        for peer in self.known_peers:
            self.cli("peers", "add", *peer)
        return super().__enter__()

    def stop(self) -> None:
        super().stop()
        self.ledger.close()

    def command(self) -> list[str]:
        return [str(COMMAND), "serve", *(["--only", self.only] if self.only else [])]

    def options(self) -> dict[str, Any]:
        return {"env": self.environment}

    def is_ready(self) -> bool:
        return answers(self.port)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the admin's commands on this home, whatever comes of it."""
        return subprocess.run(
            [COMMAND, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def cli(self, *arguments: str) -> str:
        """Run one of the admin's commands, which must succeed, and return what it printed.

        In this process: to start another costs a second of a core, and a site needs several.
        """
        ran = self._ran(*arguments)
        assert ran.exit_code == 0, f"osteoscreen {' '.join(arguments)}: {ran.output}{ran.exception}"
        return ran.stdout

    def audit(self) -> list[str]:
        """Return what `osteoscreen audit` finds amiss; it ends well only where that is nothing."""
        ran = self._ran("audit", "--json")
        assert ran.stdout, f"osteoscreen audit: {ran.output}{ran.exception}"
        problems = list(json.loads(ran.stdout)["problems"])
        assert ran.exit_code == bool(problems), ran.output
        return problems

    def _ran(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env=self._whole_environment())

    def _whole_environment(self) -> dict[str, str | None]:
        """Return the environment of our commands: of this process' own settings nothing is left."""
        strange = dict.fromkeys(name for name in os.environ if name.startswith("OSTEOSCREEN_"))
        return {**strange, **self.environment}

    def status(self) -> dict[str, Any]:
        """Return what `osteoscreen status --json` prints."""
        return dict(json.loads(self.cli("status", "--json")))

    def show(self, study_uid: str) -> dict[str, Any] | None:
        """Return the story of a study, None as long as nothing of it is indexed."""
        return summary.study(self.ledger, study_uid)

    def ended(self, study_uid: str) -> dict[str, Any]:
        """Wait until the one series of a study has ended; return its story."""
        return self._waited(study_uid, f"{study_uid} to end", self._ended)

    def delivered(self, study_uid: str) -> dict[str, Any]:
        """Wait until a study has deliveries and all of them were sent; return its series' story."""
        what = f"the results of {study_uid} to be sent"
        return self._waited(study_uid, what, self._delivered)

    def _waited(self, study_uid: str, what: str, holds: Callable[[str], Any]) -> dict[str, Any]:
        try:
            return dict(wait_for(what, lambda: holds(study_uid)))
        except AssertionError as error:
            story = json.dumps(self.show(study_uid), indent=1, default=str)
            said = "\n".join(self.logs().splitlines()[-60:])
            raise AssertionError(f"{error}\n{story}\n{self.cli('status')}\n{said}") from None

    def _ended(self, study_uid: str) -> dict[str, Any] | None:
        story = self.show(study_uid)
        series = story["series"][0] if story else None
        return series if series and series["state"] in ENDED else None

    def _delivered(self, study_uid: str) -> dict[str, Any] | None:
        series = self._ended(study_uid)
        sent = [delivery["state"] for _, delivery in deliveries(series or {})]
        return series if sent and set(sent) == {"sent"} else None

    def received(self) -> list[Path]:
        """List what lies in the spool."""
        return sorted((self.home / "spool").rglob("*.dcm"))

    def logs(self) -> str:
        """Return everything that was logged or printed, whichever file it went to."""
        logs = [path for path in self.folder.rglob("*.log") if path.is_file()]
        return "\n".join(path.read_text(errors="replace") for path in logs)


def deliveries(series: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return each object of a series' story with each of its deliveries."""
    return [
        (made, delivery)
        for result in series.get("results", ())
        for made in result["objects"]
        for delivery in made["deliveries"]
    ]
