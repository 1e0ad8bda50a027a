"""A real Prometheus scrapes the site with a token, and its alerts see what it tells."""

import json
import time
from pathlib import Path

import httpx
import pytest
from browsing import running_site
from calling import token_of
from metered import ODD, at_work, film
from peers import LOOPBACK, Process, answers, free_port, wait_for
from programs import find_program

from daemon.records import peers, turnaround
from daemon.records.people_tables import Right
from daemon.records.tables import Peer, Series, SeriesState
from engines.engine_records import write_record

DEPLOY = Path(__file__).parents[3] / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "osteoscreen.json"
GPU = {"index": "0", "name": "G", "used_percent": 50.0, "memory_used_mib": 1.0, "memory_mib": 4.0}
GPU["celsius"] = 40.0


class Prometheus(Process):
    """A Prometheus that scrapes one site every second."""

    def __init__(self, folder, origin, token):
        super().__init__(folder)
        self.port = free_port()
        self.address = f"http://{LOOPBACK}:{self.port}"
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
        # its port is open before it answers questions
        return answers(self.port) and httpx.get(f"{self.address}/-/ready").is_success

    def ask(self, query):
        """Return what it knows, by value."""
        place = f"{self.address}/api/v1/query"
        found = httpx.get(place, params={"query": query}).json()["data"]["result"]
        return [float(one["value"][1]) for one in found]


@pytest.fixture
def worked(site_settings, site_ledger):
    """A site that has screened films, whose workers are there, and which waits for others."""
    sender = Peer(aet=ODD, host="h", port=104, sends=True, results="none", role="research")
    sender.sr_class = "1.2"
    peers.add(site_ledger, sender)
    with site_ledger.write() as session:
        for number, took_s in enumerate([2.0, 3.0, None]):
            film(session, number, took_s)
            turnaround.count(session, took_s or 700.0)
        for number, state in ((8, SeriesState.SKIPPED), (9, SeriesState.QUEUED)):
            film(session, number)
            session.get(Series, f"1.2.{number}").state = state
        session.get(Series, "1.2.8").reason = "no-model"
    nets = {"main": {"runtime": "ONNX", "parity": None, "refused": []}}
    write_record(site_settings.engines, "hip_vit", nets)
    at_work(site_ledger, "screen", {"slots": 4, "slots_used": 1, "gpus": [GPU]})
    at_work(site_ledger, "listener", {"slots": 64, "slots_used": 2, "disk_free_bytes": 9})


@pytest.fixture(scope="module")
def scraped(site_settings, site_ledger, tmp_path_factory):
    with running_site(site_settings, site_ledger) as origin:
        token = token_of(site_ledger, Right.VIEWER)
        with Prometheus(tmp_path_factory.mktemp("it") / "prometheus", origin, token) as prometheus:
            yield prometheus


def test_prometheus_scrapes_the_site_and_no_alert_is_broken(scraped):
    wait_for("a scrape", lambda: scraped.ask('up{job="osteoscreen"}') == [1])
    assert scraped.ask("osteoscreen_accepts_images") == [1]
    assert scraped.ask('count(osteoscreen_series{job="osteoscreen"})') == [7]
    place = f"http://{LOOPBACK}:{scraped.port}/api/v1/rules"

    def judged():
        [group] = httpx.get(place).json()["data"]["groups"]
        return all(rule["health"] == "ok" for rule in group["rules"]) and group["rules"]

    assert len(wait_for("its rules", judged)) == 13
    assert scraped.ask('ALERTS{alertstate="firing"}') == []


def expressions():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return {target["expr"]: panel["title"] for panel in panels for target in panel["targets"]}


def test_each_panel_of_the_dashboard_shows_something(worked, scraped):
    wait_for("a scrape", lambda: scraped.ask('up{job="osteoscreen"}') == [1])
    # a rate needs two
    time.sleep(2.5)
    assert len(expressions()) > 20
    empty = [title for expression, title in expressions().items() if not scraped.ask(expression)]
    assert empty == []
