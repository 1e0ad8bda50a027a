"""From a site's own CTs with DXA, as files, to a measured model that is live."""

import pytest
from browsing import running_site, signed_in
from calling import program_of
from typer.testing import CliRunner

pandas = pytest.importorskip("pandas", reason="evaluating needs the extra `lab`")
pytest.importorskip("torch", reason="evaluating needs the extra `lab`")

from real_ct import as_series, example, example_levels  # noqa: E402

from daemon import config, schema  # noqa: E402
from daemon.records import peers, reveals  # noqa: E402
from daemon.records.people_tables import Right  # noqa: E402
from daemon.records.tables import Stage  # noqa: E402
from engines import validation  # noqa: E402
from engines.cards import read_weights  # noqa: E402
from engines.cli import app  # noqa: E402
from engines.validation import configuration_of  # noqa: E402

MODEL = "ct_attenuation"
#: The label of L5; those above it are higher.
LOWEST = 27
CORTEX_HU, THINNER = 250, 0.6
WHO = {"person": "Dr. Anna Example", "why": "the board agreed"}


def typed(*words):
    """Run a command of `osteoscreen-lab` as it is typed; return all it printed."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, " ".join((done.output + str(done.exception or "")).split())


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """A real CT and the same with thinner bone, each of three patients; and an empty folder."""
    home = tmp_path_factory.mktemp("cohort")
    volume, thin = example(), example()
    thin.hu[(example_levels().hu >= LOWEST) & (thin.hu < CORTEX_HU)] *= THINNER
    for name, scan in (("firm", volume), ("thin", thin)):
        (home / name).mkdir()
        for ds in as_series(scan, name):
            ds.save_as(home / name / f"{ds.InstanceNumber:03}.dcm", enforce_file_format=True)
    (home / "lost").mkdir()
    lines = ["PatientID,path,t_spine,t_hip"]
    lines += [f"A{n},thin,{'-3.1' if n else '-1.0'},-2.0" for n in range(3)]
    lines += [f"B{n},firm,-0.5,-1.2" for n in range(3)] + ["C0,lost,-3.0,-3.0"]
    (home / "ours.csv").write_text("\n".join(lines) + "\n")
    return home


@pytest.fixture(scope="module")
def evaluated(cohort):
    """The evaluation as this site measures: 110 HU, and nothing corrected."""
    (cohort / "osteoscreen.toml").write_text('ct_bands = "110-160"\nport = 11112\n')
    report = cohort / "report.html"
    words = ["--cohort", cohort / "ours.csv", "--keep", cohort / "kept", "--report", report]
    code, told = typed("evaluate", MODEL, *words, "--settings", cohort / "osteoscreen.toml")
    assert code == 0, told
    return report.read_text(), told


@pytest.fixture
def site(tmp_path, monkeypatch):
    def settings(bands="110-160"):
        monkeypatch.setenv("OSTEOSCREEN_CT_BANDS", bands)
        return config.load(tmp_path)

    schema.migrate(settings())
    ledger = schema.open_ledger(settings())
    yield settings, ledger
    ledger.close()


def test_the_report_tells_of_the_thresholds_and_counts_the_refused(evaluated):
    report, told = evaluated
    said = validation.read(report)
    assert (said.patients, said.simulated, said.configuration["ct_bands"]) == (6, False, "110-160")
    [finding] = said.findings
    # the thinner bone is flagged in three, of whom two have osteoporosis; the other reads 111 HU
    assert finding["positive"] == "2" and finding["finding"].startswith("low trabecular")
    assert finding["auc"].startswith("0.875") and finding["sensitivity"].startswith("1.000")
    assert finding["specificity"].startswith("0.750")
    assert "110.0 HU or less" in told and "exam-not-screened 1" in told
    for threshold in ("100.0", "110.0", "135.0", "160.0"):
        assert f"<td>{threshold} HU or less</td>" in report
    assert "exam-not-screened" in report and "Brier" not in report


def test_a_measured_model_goes_live_in_the_browser_and_other_settings_end_that(site, evaluated):
    settings, ledger = site
    report = evaluated[0]
    with running_site(settings(), ledger) as origin:
        boss = signed_in(origin, ledger, Right.ADMINISTRATOR)
        fields = boss.hidden(boss.get("/models").text, "/models/reveal") | WHO | {"model": MODEL}
        file = {"report": ("report.html", report, "text/html")}
        answer = boss.client.post("/models/reveal", data=fields, files=file)
        assert answer.url.path == "/models" and answer.status_code == 200, answer.text
        assert "by Dr. Anna Example" in answer.text and "6 patients" in answer.text
    assert peers.stage_of(ledger, MODEL) is Stage.LIVE
    weights = read_weights(MODEL)
    for bands, stands in (("110-160", True), ("135-160", False)):
        today = configuration_of(weights, settings(bands).rules.measuring)
        assert reveals.holds(ledger, weights, today) is stands
    with (
        running_site(settings("135-160"), ledger) as origin,
        program_of(origin, ledger, Right.ADMINISTRATOR) as client,
    ):
        [row] = [one for one in client.get("/models").json() if one["model"] == MODEL]
        assert "not these weights with these settings" in row["revealed"]
        wish = WHO | {"report": report}
        answer = client.post(f"/models/{MODEL}/reveal", json=wish)
    assert answer.status_code == 409 and "another ct_bands" in answer.json()["error"]


def test_virtual_patients_reveal_no_measurement_either(site, cohort):
    settings, ledger = site
    table = (cohort / "ours.csv").read_text().replace("A1,", "PHANTOM-1,")
    (cohort / "virtual.csv").write_text(table)
    report = cohort / "virtual.html"
    words = ["--cohort", cohort / "virtual.csv", "--keep", cohort / "kept", "--report", report]
    assert typed("evaluate", MODEL, *words)[0] == 0
    with (
        running_site(settings("100-160"), ledger) as origin,
        program_of(origin, ledger, Right.ADMINISTRATOR) as client,
    ):
        wish = WHO | {"report": report.read_text()}
        answer = client.post(f"/models/{MODEL}/reveal", json=wish)
    assert answer.status_code == 409 and "virtual patients" in answer.json()["error"]
    assert peers.stage_of(ledger, MODEL) is Stage.SHADOW


def test_what_is_measured_is_neither_trained_nor_calibrated(cohort):
    for words in (("train", MODEL, "--out", cohort / "run"), ("calibrate", MODEL, "--cohort")):
        more = () if words[0] == "train" else (cohort / "ours.csv", "--out", cohort / "weights")
        code, told = typed(*words, *more)
        assert code == 2 and "measured, not learned" in told
