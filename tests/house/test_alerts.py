"""The alerts: Prometheus reads them, each fires on its fault, and all look at what we tell."""

import re
import subprocess
from pathlib import Path

from programs import find_program

from daemon import config, metrics, schema

RULES = Path(__file__).parents[2] / "deploy" / "prometheus"


def promtool(*arguments):
    command = [find_program("promtool"), *arguments]
    return subprocess.run(command, cwd=RULES, capture_output=True, text=True, check=False)


def test_prometheus_takes_the_rules():
    answer = promtool("check", "rules", "rules.yml")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_each_alert_fires_on_its_fault_and_none_on_a_calm_day():
    answer = promtool("test", "rules", "rules.test.yml")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    rules, tests = ((RULES / name).read_text() for name in ("rules.yml", "rules.test.yml"))
    for name in re.findall(r"- alert: (\w+)", rules):
        assert name in tests
    assert rules.count("- alert:") == rules.count("summary:") == rules.count("remedy:")


def test_the_rules_look_at_nothing_that_we_do_not_tell(tmp_path):
    settings = config.load(tmp_path / "home")
    schema.migrate(settings)
    ledger = schema.open_ledger(settings)
    try:
        told = metrics.exposition(settings, ledger).decode()
    finally:
        ledger.close()
    known = set(re.findall(r"^# TYPE (\w+)", told, re.MULTILINE))
    asked = set(re.findall(r"\bosteoscreen_\w+", (RULES / "rules.yml").read_text()))
    assert asked and asked <= known
