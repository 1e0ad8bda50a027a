"""A model goes live on a validation report of the weights in service, by a person with a name."""

from hashlib import sha256

import pytest
from browsing import running_site, signed_in
from calling import program_of
from revealing import MODEL, clinical_weights, evaluation_page
from typer.testing import CliRunner

from daemon import config, schema
from daemon.cli import app
from daemon.records import peers, reveals, trail
from daemon.records.people_tables import Right
from daemon.records.tables import Stage
from engines.cards import read_weights

PERSON, WHY = "Dr. Anna Example", "the board agreed"
SENT = {"model": MODEL, "person": PERSON, "why": WHY}


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    """A site with weights of its own that were trained on patients."""
    home = tmp_path_factory.mktemp("clinic")
    weights = clinical_weights(home / "weights")
    with pytest.MonkeyPatch.context() as set_too:
        set_too.setenv("OSTEOSCREEN_WEIGHTS", str(home / "weights"))
        settings = config.load(home / "home")
    schema.migrate(settings)
    ledger = schema.open_ledger(settings)
    with running_site(settings, ledger) as origin:
        yield settings, ledger, origin, weights
    ledger.close()


@pytest.fixture(autouse=True)
def nothing_revealed(clinic):
    _, ledger, _, _ = clinic
    with ledger.write() as session:
        session.execute(reveals.Reveal.__table__.delete())
    peers.set_stage(ledger, MODEL, Stage.SHADOW)


def attach(browser, report, **more):
    fields = browser.hidden(browser.get("/models").text, "/models/reveal") | SENT | more
    file = {"report": ("report.html", report, "text/html")}
    return browser.client.post("/models/reveal", data=fields, files=file)


def test_a_model_is_revealed_on_the_page_and_the_file_is_kept(clinic):
    _, ledger, origin, weights = clinic
    boss, reader = (signed_in(origin, ledger, r) for r in (Right.ADMINISTRATOR, Right.VIEWER))
    report = evaluation_page(weights)
    answer = attach(boss, report)
    assert answer.url.path == "/models" and answer.status_code == 200
    assert peers.stage_of(ledger, MODEL) is Stage.LIVE
    digest = sha256(report.encode()).hexdigest()
    text = reader.get("/models").text
    assert PERSON in text and digest in text and "412 patients" in text
    kept = reader.get(f"/models/report?model={MODEL}&sha256={digest}")
    assert kept.text == report and "attachment" in kept.headers["content-disposition"]
    assert reader.get(f"/models/report?model={MODEL}&sha256={'0' * 64}").status_code == 404
    row = next(one for one in trail.newest(ledger) if one.action == "model reveal asked for")
    assert digest in row.detail and PERSON in row.detail
    # it stands: the stage may go down and up again without another report
    for stage in ("off", "live"):
        sent = {"model": MODEL, "stage": stage, "why": WHY}
        assert boss.send("/models", "/models/stage", **sent).status_code == 200
    assert peers.stage_of(ledger, MODEL) is Stage.LIVE


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"simulated": True}, "virtual patients"),
        ({"version": "9.9"}, "of weights 9.9"),
        ({"weights_sha256": "0" * 64}, "of weights"),
        ({"model": "hip_vit"}, "not of cxr_osporscreen"),
        ({"thresholds": {"osteoporosis": 0.01}}, "other thresholds"),
        ({"findings": ()}, "judges nothing"),
        ({"findings": ({"finding": "osteoporosis"},)}, "cannot be read"),
        (None, "no report of"),
    ],
)
def test_a_report_that_is_not_of_these_weights_on_patients_reveals_nothing(clinic, changed, why):
    _, ledger, origin, weights = clinic
    report = "<html>all is well</html>" if changed is None else evaluation_page(weights, **changed)
    with program_of(origin, ledger, Right.ADMINISTRATOR) as client:
        answer = client.post(
            f"/models/{MODEL}/reveal", json={"report": report, "person": PERSON, "why": WHY}
        )
    assert answer.status_code == 409 and why in answer.json()["error"]
    assert peers.stage_of(ledger, MODEL) is Stage.SHADOW and reveals.last(ledger, MODEL) is None


def test_a_script_in_a_report_is_shown_as_text_and_its_page_is_never_ours(clinic):
    _, ledger, origin, weights = clinic
    boss = signed_in(origin, ledger, Right.ADMINISTRATOR)
    report = evaluation_page(weights, cohort="<script>alert(1)</script>")
    text = attach(boss, report + "<script>alert(2)</script>", person="<b>Dr.</b>").text
    assert "<script" not in text and "&lt;script&gt;" in text and "<b>Dr." not in text
    digest = reveals.last(ledger, MODEL).report_sha256
    kept = boss.get(f"/models/report?model={MODEL}&sha256={digest}")
    assert kept.headers["content-type"] == "application/octet-stream"
    assert kept.headers["content-disposition"] == f'attachment; filename="{digest[:12]}.html"'


def test_nobodys_name_reveals_nothing_and_neither_does_a_stage_alone(clinic):
    _, ledger, origin, weights = clinic
    boss = signed_in(origin, ledger, Right.ADMINISTRATOR)
    answer = attach(boss, evaluation_page(weights), person="  ")
    assert answer.status_code == 409 and "name the person" in answer.text
    assert attach(boss, b"\xff\xfe").status_code == 400
    live = {"model": MODEL, "stage": "live", "why": WHY}
    answer = boss.send("/models", "/models/stage", **live)
    assert answer.status_code == 409 and "only when it is revealed" in answer.text
    assert peers.stage_of(ledger, MODEL) is Stage.SHADOW


def test_a_program_and_the_command_reveal_alike(clinic, tmp_path, monkeypatch):
    settings, ledger, origin, weights = clinic
    with program_of(origin, ledger, Right.ADMINISTRATOR) as client:
        wish = {"report": evaluation_page(weights), "person": PERSON, "why": WHY}
        told = client.post(f"/models/{MODEL}/reveal", json=wish).json()
    assert told["stage"] == "live" and PERSON in told["revealed"]
    file = tmp_path / "report.html"
    file.write_text(evaluation_page(weights))
    monkeypatch.setenv("OSTEOSCREEN_WEIGHTS", str(settings.weights))
    said = typed(settings.home, MODEL, file)
    assert said.exit_code == 0 and "Example answers for it" in said.stdout
    assert reveals.last(ledger, MODEL).given_by == "osteoscreen models reveal"


def typed(home, model, file):
    words = ["models", "reveal", model, str(file), "--person", PERSON, "--why", WHY]
    return CliRunner().invoke(app, [*words, "--home", str(home)])


def test_weights_of_simulated_patients_are_revealed_by_no_way(
    site_settings, site_ledger, origin, administrator, tmp_path
):
    report = evaluation_page(read_weights(MODEL))
    assert "not these weights" in administrator.get("/models").text.lower()
    key = {"form_key": administrator.key(), **SENT}
    file = {"report": ("report.html", report, "text/html")}
    page = administrator.client.post("/models/reveal", data=key, files=file)
    assert page.status_code == 409 and "trained on simulated patients" in page.text
    with program_of(origin, site_ledger, Right.ADMINISTRATOR) as client:
        wish = {"report": report, "person": PERSON, "why": WHY}
        answer = client.post(f"/models/{MODEL}/reveal", json=wish)
    assert answer.status_code == 409 and "never live" in answer.json()["error"]
    (tmp_path / "report.html").write_text(report)
    said = typed(site_settings.home, MODEL, tmp_path / "report.html")
    assert said.exit_code and "trained on simulated patients" in str(said.exception)
    assert peers.stage_of(site_ledger, MODEL) is Stage.SHADOW
    assert reveals.last(site_ledger, MODEL) is None
