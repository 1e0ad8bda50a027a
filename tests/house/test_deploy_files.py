"""What `deploy` gives: valid by its schemas, pinned, of settings we have, and nobody's root."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from programs import find_program

from daemon.settings import PREFIX, Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
CHART = DEPLOY / "helm" / "osteoscreen"
COMPOSE = DEPLOY / "compose.yaml"
SETTINGS = {PREFIX + name.upper() for name in Settings.model_fields}
SETTINGS |= {name + "_FILE" for name in SETTINGS}


def schema_check(*arguments):
    command = [sys.executable, "-m", "check_jsonschema", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_compose_keeps_to_the_compose_specification():
    answer = schema_check("--builtin-schema", "vendor.compose-spec", str(COMPOSE))
    assert answer.returncode == 0, answer.stdout


def test_the_chart_s_values_keep_to_their_schema_and_wrong_ones_do_not(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    told = (CHART / "values.yaml").read_text()
    wrong.write_text(told.replace("maxReplicas: 8", "maxReplicas: many"))
    schema = str(CHART / "values.schema.json")
    assert schema_check("--schemafile", schema, str(CHART / "values.yaml")).returncode == 0
    answer = schema_check("--schemafile", schema, str(wrong))
    assert answer.returncode == 1 and "maxReplicas" in answer.stdout


def test_files_for_other_hosts_need_a_name_of_this_one(tmp_path):
    values = (
        (CHART / "values.yaml")
        .read_text()
        .replace("files:\n  enabled: false", "files:\n  enabled: true")
    )
    for name, says in (("", 1), ("site-a", 0)):
        mine = tmp_path / "mine.yaml"
        mine.write_text(values.replace('hostName: ""', f'hostName: "{name}"'))
        schema = str(CHART / "values.schema.json")
        assert schema_check("--schemafile", schema, str(mine)).returncode == says


def images():
    found = re.findall(r"^\s+image: (\S+)$", COMPOSE.read_text(), re.MULTILINE)
    return found + re.findall(
        r"^ARG BASE=(\S+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE
    )


def test_each_image_is_pinned_and_names_no_registry():
    assert len(images()) > 5
    for image in images():
        name, _, tag = image.partition(":")
        assert re.match(r"v?\d+\.\d+", tag), image
        assert "." not in name.partition("/")[0], image


def test_the_images_pin_all_that_the_program_asks_for():
    pins = dict(
        line.split("==")
        for line in (DEPLOY / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    )
    setup = (DEPLOY.parent / "setup.cfg").read_text()
    asked = re.search(r"install_requires =\n((?:    .*\n)+)", setup).group(1).split()
    for one in map(Requirement, asked):
        assert one.specifier.contains(pins[one.name]), one


def test_the_image_runs_as_nobody_in_particular_and_is_looked_after():
    told = (DEPLOY / "Dockerfile").read_text()
    assert re.search(r"^USER [1-9]\d+:[1-9]\d+$", told, re.MULTILINE)
    assert '"daemon.health"' in told
    services = COMPOSE.read_text()
    assert services.count("daemon.health") == services.count("command: [serve")


@pytest.mark.parametrize("folder", ["compose.yaml", "helm", "Dockerfile"])
def test_only_settings_that_we_have_are_set(folder):
    place = DEPLOY / folder
    files = [one for one in place.rglob("*") if one.is_file()] if place.is_dir() else [place]
    told = "".join(file.read_text() for file in files)
    # one that ends in _ is put together by the chart
    named = {name for name in re.findall(rf"{PREFIX}\w+", told) if not name.endswith("_")}
    assert named and named <= SETTINGS


def test_prometheus_takes_its_configuration():
    command = [find_program("promtool"), "check", "config", "--syntax-only", "prometheus.yml"]
    answer = subprocess.run(
        command, cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr


def helm(*arguments):
    tool = shutil.which("helm")
    if tool is None:
        pytest.skip("helm is in no package of Debian's: docs/it.md says where else")
    return subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)


def test_helm_takes_the_chart_and_refuses_wrong_values():
    everything = ["--set", "workerGpu.enabled=true,autoscaling.enabled=true"]
    everything += ["--set", "files.enabled=true,hostName=site-a"]
    assert helm("lint", "--strict", str(CHART)).returncode == 0
    made = helm("template", "x", str(CHART), *everything).stdout
    for kind in ("Deployment", "PodDisruptionBudget", "NetworkPolicy", "ScaledObject", "Job"):
        assert f"kind: {kind}" in made
    assert made.count("readOnlyRootFilesystem: true") == made.count("image:")
    answer = helm("template", "x", str(CHART), "--set", "worker.replicas=-1")
    assert answer.returncode != 0 and "worker" in answer.stderr


@pytest.mark.parametrize("part", ["listener", "intake", "worker", "web", "files"])
def test_each_part_is_served_in_compose_and_in_the_chart(part):
    assert re.search(rf"command: \[serve, --only, {part}\]", COMPOSE.read_text())
    templates = "".join(file.read_text() for file in (CHART / "templates").iterdir())
    assert f'"parts" "{part}"' in templates


def test_the_schema_knows_every_value():
    schema = json.loads((CHART / "values.schema.json").read_text())
    named = set(re.findall(r"^(\w+):", (CHART / "values.yaml").read_text(), re.MULTILINE))
    assert named | {"global"} == set(schema["properties"])
