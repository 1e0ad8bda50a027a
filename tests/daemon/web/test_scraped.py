"""A real Prometheus scrapes the site with a token, and its alerts see what it tells."""

import json
from pathlib import Path

import httpx
import pytest
from browsing import running_site
from calling import token_of
from peers import LOOPBACK, Process, answers, free_port, wait_for
from programs import find_program

from daemon.records.people_tables import Right

RULES = Path(__file__).parents[3] / "deploy" / "prometheus" / "rules.yml"


class Prometheus(Process):
    """A Prometheus that scrapes one site every second."""

    def __init__(self, folder, origin, token):
        super().__init__(folder)
        self.port = free_port()
        job = {
            "job_name": "osteoscreen",
            "metrics_path": "/api/metrics",
            "authorization": {"credentials": token},
            "static_configs": [{"targets": [origin.removeprefix("http://")]}],
        }
        told = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [job],
        }
        folder.mkdir()
        # JSON is YAML, too
        (folder / "prometheus.yml").write_text(json.dumps(told))

    def command(self):
        return [
            find_program("prometheus"),
            f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address={LOOPBACK}:{self.port}",
        ]

    def is_ready(self):
        return answers(self.port)

    def ask(self, query):
        """Return what it knows, by value."""
        place = f"http://{LOOPBACK}:{self.port}/api/v1/query"
        found = httpx.get(place, params={"query": query}).json()["data"]["result"]
        return [float(one["value"][1]) for one in found]


@pytest.fixture
def scraped(site_settings, site_ledger, tmp_path):
    with running_site(site_settings, site_ledger) as origin:
        token = token_of(site_ledger, Right.VIEWER)
        with Prometheus(tmp_path / "prometheus", origin, token) as prometheus:
            yield prometheus


def test_prometheus_scrapes_the_site_and_no_alert_is_broken(scraped):
    wait_for("a scrape", lambda: scraped.ask('up{job="osteoscreen"}') == [1])
    assert scraped.ask("osteoscreen_accepts_images") == [1]
    assert scraped.ask('count(osteoscreen_series{job="osteoscreen"})') == [7]
    place = f"http://{LOOPBACK}:{scraped.port}/api/v1/rules"

    def judged():
        [group] = httpx.get(place).json()["data"]["groups"]
        return all(rule["health"] == "ok" for rule in group["rules"]) and group["rules"]

    assert len(wait_for("its rules", judged)) == 10
    assert scraped.ask('ALERTS{alertstate="firing"}') == []
