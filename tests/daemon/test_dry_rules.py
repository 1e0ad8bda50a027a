"""Other rules, tried on what has come: said what would change, and nothing changed."""

from io import BytesIO

import pytest
from browsing import running_site, signed_in
from calling import program_of
from films import film
from kept_site import Site
from pydicom import dcmwrite
from sqlalchemy import update

from daemon import titles
from daemon.dry_rules import Other, RulesRun, try_rules
from daemon.records import peers, summary
from daemon.records.people_tables import Right
from daemon.records.tables import Series, Stage

OSPORSCREEN, MULTIMODAL = "cxr_osporscreen", "cxr_multimodal"


def test_a_younger_and_an_older_least_age_and_derived_films(settings, ledger):
    site = Site(settings, ledger)
    studies = {}
    for name, age, image_type in (
        ("young", "045Y", ["ORIGINAL", "PRIMARY"]),
        ("old", "070Y", ["ORIGINAL", "PRIMARY"]),
        ("derived", "070Y", ["DERIVED", "PRIMARY"]),
        ("gone", "070Y", ["ORIGINAL", "PRIMARY"]),
    ):
        ds = film(len(studies) + 1)
        ds.PatientAge, ds.ImageType, ds.PatientBirthDate = age, image_type, ""
        studies[name] = str(ds.StudyInstanceUID)
        keep(site, ds)
    with ledger.write() as session:
        session.execute(update(Series).values(state="screened", exam="cxr"))
    forget(site, ledger, studies["gone"])
    before = summary.status(ledger)
    younger = try_rules(settings, ledger, Other(min_age_years=40), 100)
    assert (younger.read, younger.unread, younger.now, younger.then) == (3, 1, 1, 2)
    assert (younger.let_in, younger.kept_out) == ([studies["young"]], [])
    older = try_rules(settings, ledger, Other(min_age_years=75), 100)
    assert (older.then, older.kept_out) == (0, [studies["old"]])
    derived = try_rules(settings, ledger, Other(accept_derived_primary=True), 100)
    assert derived.let_in == [studies["derived"]]
    # the title by which it came has a rule of its own, which is what is compared with
    own = titles.blank(settings.aet)
    own.min_age_years = 40
    titles.put(settings, ledger, own)
    assert try_rules(settings, ledger, Other(min_age_years=40), 100).let_in == []
    assert summary.status(ledger) == before
    with running_site(settings, ledger) as origin:
        page = signed_in(origin, ledger, Right.VIEWER).get("/dry-run?age=75").text
        assert studies["old"] in page and "studies kept out</dt><dd>2" in page
        with program_of(origin, ledger, Right.VIEWER) as client:
            told = client.post("/dry-run/rules", json={"min_age_years": 75}).json()
            assert set(told["kept_out"]) == {studies["old"], studies["young"]}


def test_a_model_is_switched_for_one_title_and_what_it_flags_alone_is_told_lost(settings, ledger):
    site = Site(settings, ledger)
    for number in range(2):
        ds = film(number + 1)
        ds.PatientAge, ds.PatientBirthDate = "070Y", ""
        keep(site, ds)
    with ledger.write() as session:
        session.execute(update(Series).values(state="screened", exam="cxr"))
    peers.set_stage(ledger, MULTIMODAL, Stage.SHADOW)
    now = try_rules(settings, ledger, Other(min_age_years=50), 100)
    assert now.by_model == {OSPORSCREEN: (2, 2), MULTIMODAL: (2, 2)}
    off = try_rules(settings, ledger, Other(model=OSPORSCREEN), 100)
    # the other model of chest films looks on, so no study is kept out
    assert off.by_model[OSPORSCREEN] == (2, 0) and off.kept_out == []
    peers.set_stage(ledger, MULTIMODAL, Stage.OFF)
    off = try_rules(settings, ledger, Other(model=OSPORSCREEN), 100)
    assert (off.now, off.then, len(off.kept_out)) == (2, 0, 2)
    on = try_rules(settings, ledger, Other(model=MULTIMODAL, on=True), 100)
    assert on.by_model[MULTIMODAL] == (0, 2) and on.let_in == []
    elsewhere = try_rules(settings, ledger, Other(model=OSPORSCREEN, title="TRIAL"), 100)
    assert elsewhere.then == 2
    assert peers.stages(ledger)[MULTIMODAL] is Stage.OFF
    with running_site(settings, ledger) as origin:
        asked = f"switch={OSPORSCREEN}+off&title={settings.aet}"
        page = signed_in(origin, ledger, Right.VIEWER).get(f"/dry-run?{asked}").text
        assert "studies kept out</dt><dd>2" in page
        with program_of(origin, ledger, Right.VIEWER) as client:
            told = client.post("/dry-run/rules", json={"model": OSPORSCREEN}).json()
            assert told["by_model"] == {OSPORSCREEN: [2, 0]}


@pytest.mark.parametrize(
    ("now", "then", "flagging", "lost"),
    [("ab", "b", "a", 1), ("ab", "b", "ab", 0), ("ab", "ab", "a", 0), ("b", "", "a", 0)],
)
def test_a_flag_is_lost_when_nobody_who_raises_it_looks_any_more(now, then, flagging, lost):
    run = RulesRun()
    run.note("1.2", frozenset(now), frozenset(then), frozenset(flagging))
    assert run.flagged_lost == lost


def keep(site, ds):
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    site.spool.put(b"", out.getvalue())
    site.intake.turn()


def forget(site, ledger, study):
    [series] = summary.study(ledger, study)["series"]
    uid = series["SeriesInstanceUID"]
    site.spool.forget([(uid, image["SOPInstanceUID"]) for image in series["received"]])
