"""Another table, another correction, tried on kept CT results: what would change, and no more."""

import pytest
from bench.pages import fill
from browsing import running_site, signed_in
from calling import program_of
from sqlalchemy import select

from daemon import config
from daemon.dry_bands import try_bands
from daemon.records.looks import Look
from daemon.records.people_tables import Right
from daemon.records.tables import Screening
from engines.contract import entry
from engines.ct_attenuation.tables import BANDS
from engines.findings import AT_MOST, HOUNSFIELD, Finding, Measurement, Result
from engines.rules import Measuring

QUANTITY = "trabecular attenuation"


def result(hu, phase="native", kvp=120, told=None, judged=True):
    """Return a result as it is kept: what was measured, and the value that was judged."""
    bands = BANDS["100-160"]
    finding = Finding(
        "low trabecular attenuation",
        "L1",
        hu if told is None else told,
        bands.low_hu,
        quantity=QUANTITY,
        unit=HOUNSFIELD,
        flagged_when=AT_MOST,
        table=f"{bands.name} ({bands.source})",
    )
    made = Result(
        "ct_attenuation",
        "1",
        findings=(finding,) if judged else (),
        measurements=(
            Measurement(QUANTITY, "T12", 300.0, HOUNSFIELD),
            Measurement(QUANTITY, "L1", hu, HOUNSFIELD),
        ),
        quality={"contrast_phase": phase, "kvp": kvp},
    )
    return Look(f"1.{hu:g}", entry("ct_attenuation", "1", made))


KEPT = [result(95), result(105), result(130), result(170), result(90, "arterial", judged=False)]


@pytest.mark.parametrize(
    ("table", "then"), [("100-160", [1, 2, 1]), ("110-160", [2, 1, 1]), ("135-160", [3, 0, 1])]
)
def test_another_table_moves_results_between_the_bands(table, then):
    run = try_bands(KEPT, Measuring(bands=table))
    assert (run.looks, run.unjudged, run.now, run.then) == (4, 1, [1, 2, 1], then)
    assert run.newly == [look.StudyInstanceUID for look in KEPT[1 : then[0]]]


def test_corrections_begin_with_what_was_measured_not_with_what_was_corrected_before():
    # 120 HU at 100 kV, judged at 0.8 of it as the site had it, then left as it is
    before = result(120, kvp=100, told=96.0)
    assert try_bands([before], Measuring()).no_longer == ["1.120"]
    as_it_was = Measuring(kvp_correction={"100": 0.8})
    assert try_bands([before], as_it_was).now == try_bands([before], as_it_was).then == [1, 0, 0]
    portal = result(105, "portal venous")
    assert try_bands([portal], Measuring(phase_correction_hu={"portal venous": -5})).newly
    assert not try_bands([portal], Measuring(phase_correction_hu={"delayed": -5})).newly


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site whose newest results are those of measured CTs."""
    settings = config.load(tmp_path_factory.mktemp("bands") / "home")
    ledger = fill(settings, 20)
    with ledger.write() as session:
        rows = session.scalars(select(Screening).where(Screening.state == "screened").limit(5))
        for row, look in zip(rows.all(), KEPT, strict=True):
            row.model, row.result = "ct_attenuation", look.result
    with running_site(settings, ledger) as origin:
        yield origin, ledger
    ledger.close()


def test_the_page_and_a_program_tell_the_same(site):
    origin, ledger = site
    page = signed_in(origin, ledger, Right.VIEWER).get(
        "/dry-run?model=ct_attenuation&table=110-160&p.native=-25"
    )
    assert "<td>low</td><td>1</td><td>3</td>" in page.text
    assert "1 more have no value" in page.text
    with program_of(origin, ledger, Right.VIEWER) as client:
        wish = {"ct_bands": "110-160", "ct_phase_correction_hu": {"native": -25}}
        told = client.post("/dry-run/bands", json=wish).json()
        assert (told["now"], told["then"], told["unjudged"]) == ([1, 2, 1], [3, 1, 0], 1)
        assert told["newly"][0] in page.text and len(told["newly"]) == 2
        assert client.post("/dry-run/bands", json={"ct_bands": "90"}).status_code == 422
        plain = client.post("/dry-run/bands", json={}).json()
        assert plain["now"] == plain["then"] and plain["newly"] == []


@pytest.mark.parametrize("asked", ["table=none&p.native=nan", "p.arterial=x", "table="])
def test_nonsense_is_what_stands(site, asked):
    origin, ledger = site
    answer = signed_in(origin, ledger, Right.VIEWER).get(f"/dry-run?model=ct_attenuation&{asked}")
    assert answer.status_code == 200 and "<td>low</td><td>1</td><td>1</td>" in answer.text
