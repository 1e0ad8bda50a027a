"""Studies: found, told whole, looked at with a trace, and never a way in for a patient's name."""

import films
import pytest
from browsing import running_site, signed_in
from main_path import MODEL, Site
from sqlalchemy import update

from daemon.records import peers, trail
from daemon.records.ledger import now
from daemon.records.people_tables import Right
from daemon.records.tables import Series, Stage
from workers import screen
from workers.room import EngineRoom

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site with one film that was screened and one that was skipped, each a script for a name."""
    site = Site(tmp_path_factory.mktemp("studies") / "home", EngineRoom(None, engine_threads=1))
    peers.set_stage(site.ledger, MODEL, Stage.SHADOW)
    site.screened, site.skipped = films.film(1), films.film(2)
    for ds in (site.screened, site.skipped):
        ds.PatientName, ds.SeriesDescription = f"{SCRIPT}^JANE", SCRIPT
    site.skipped.PatientAge, site.skipped.PatientBirthDate = "", ""
    for ds in (site.screened, site.skipped):
        site.screen(ds)
    yield site
    site.ledger.close()


@pytest.fixture(scope="module")
def people(site):
    with running_site(site.settings, site.ledger) as origin:
        yield {right: signed_in(origin, site.ledger, right) for right in Right}


@pytest.fixture
def viewer(people):
    return people[Right.VIEWER]


@pytest.fixture
def operator(people):
    return people[Right.OPERATOR]


def path_of(ds):
    return f"/study?uid={ds.StudyInstanceUID}"


def test_studies_are_found_by_what_became_of_them_and_by_either_uid(site, viewer):
    screened, skipped = site.screened.StudyInstanceUID, site.skipped.StudyInstanceUID
    for query, wanted in {
        "": {screened, skipped},
        "?state=screened": {screened},
        "?state=flagged": {screened},
        "?state=skipped": {skipped},
        "?reason=age-missing": {skipped},
        f"?uid={screened}": {screened},
        f"?uid={site.skipped.SeriesInstanceUID}": {skipped},
        "?from=2020-01-01": {screened, skipped},
        "?from=2999-01-01": set(),
        "?to=2020-01-01": set(),
        "?from=nonsense&before=9999-12-31T23:59:59": {screened, skipped},
        "?uid='%20OR%201=1": set(),
    }.items():
        text = viewer.get(f"/studies{query}").text
        assert {uid for uid in (screened, skipped) if uid in text} == wanted, query


def test_a_study_is_found_by_its_patient_whom_neither_address_nor_ledger_names(site, viewer):
    screened, skipped = site.screened.StudyInstanceUID, site.skipped.StudyInstanceUID
    number = site.screened.PatientID
    for asked, wanted in (
        ({"patient": f" {number.lower()} "}, {screened}),
        ({"patient": number, "state": "skipped"}, set()),
        ({"patient": "nobody"}, set()),
        ({"accession": number}, set()),
    ):
        answer = viewer.send("/studies", "/studies", **asked)
        assert {uid for uid in (screened, skipped) if uid in answer.text} == wanted, asked
        assert answer.url.query == b"" and number not in answer.text.partition("</title>")[0]
    rows = [row for row in trail.newest(site.ledger) if row.action == "studies searched"]
    assert len(rows) == 4 and not any(number in row.subject + row.detail for row in rows)
    kept = "".join(path.read_bytes().hex() for path in site.settings.home.glob("ledger.db*"))
    assert number.encode().hex() not in kept and screened.encode().hex() in kept


def test_a_search_that_says_no_patient_becomes_an_address_to_keep(site, viewer):
    answer = viewer.send("/studies", "/studies", state="skipped", reason="age-missing")
    assert answer.url.path == "/studies" and b"state=skipped" in answer.url.query


def test_a_study_says_what_came_what_was_scored_and_that_nobody_was_told(site, viewer):
    text = viewer.get(path_of(site.screened)).text
    for words in ("1 image from", "osteoporosis", "at least", "stage shadow", "What happened"):
        assert words in text
    assert "no osteoporosis" not in text


def test_a_study_that_was_skipped_says_why(site, viewer):
    assert "skipped: age-missing" in viewer.get(path_of(site.skipped)).text


def test_names_are_hidden_until_they_are_asked_for_and_every_look_is_written_down(site, viewer):
    assert "JANE" not in viewer.get(path_of(site.screened)).text
    viewer.send("/", "/names", shown="yes")
    text = viewer.get(path_of(site.screened)).text
    assert "JANE" in text
    viewer.send("/", "/names", shown="no")
    assert "JANE" not in viewer.get(path_of(site.screened)).text
    rows = [row for row in trail.newest(site.ledger) if row.person == "a-viewer"][:5]
    assert [row.action for row in rows] == [
        "study looked at",
        "names hidden",
        "study looked at",
        "names shown",
        "study looked at",
    ]
    assert [row.detail.split()[0] for row in rows[::2]] == ["without", "with", "without"]
    assert {row.subject for row in rows[::2]} == {site.screened.StudyInstanceUID}
    assert not any("JANE" in row.detail + row.subject for row in trail.newest(site.ledger))


def test_a_script_for_a_name_or_a_description_is_shown_as_text(site, operator):
    operator.send("/", "/names", shown="yes")
    for ds in (site.screened, site.skipped):
        text = operator.get(path_of(ds)).text
        assert text.count("&lt;script&gt;") >= 2 and "<script" not in text


def test_a_name_is_in_no_title_and_no_address(site, operator):
    operator.send("/", "/names", shown="yes")
    text = operator.get(path_of(site.screened)).text
    assert "JANE" not in text[: text.index("</title>")]
    assert not any("JANE" in part.split('"')[0] for part in text.split('href="')[1:])


def test_a_series_is_judged_again_by_who_says_why(site, operator):
    path, uid = path_of(site.skipped), site.skipped.StudyInstanceUID
    assert operator.send(path, "/study/again", why="").status_code == 400
    assert site.story(site.skipped)["state"] == "skipped"
    answer = operator.send(path, "/study/again", why="the modality was put right")
    assert answer.url.path == "/study"
    assert site.story(site.skipped)["state"] == "receiving"
    row = next(row for row in trail.newest(site.ledger) if row.action == "series judged again")
    assert (row.person, row.detail) == ("a-operator", "the modality was put right")
    # another study's series is not to be had through this one
    form = operator.hidden(operator.get("/").text, "/sign-out")
    other = form | {"uid": uid, "series_uid": site.screened.SeriesInstanceUID, "why": "because"}
    assert operator.client.post("/study/again", data=other).status_code == 400


def test_what_was_screened_is_judged_again_and_comes_to_the_same(site, operator):
    path, before = path_of(site.screened), site.story(site.screened)["results"]
    assert operator.send(path, "/study/again", why="a colleague asked").status_code == 200
    assert site.story(site.screened)["state"] == "receiving"
    # nothing has ended, so there is nothing to be judged again
    form = operator.hidden(operator.get("/").text, "/sign-out") | {"why": "once more"}
    form |= {
        "uid": site.screened.StudyInstanceUID,
        "series_uid": site.screened.SeriesInstanceUID,
    }
    assert operator.client.post("/study/again", data=form).status_code == 409
    site.intake.turn()
    screen.screen(site.bench, site.screened.SeriesInstanceUID)
    assert site.story(site.screened)["results"] == before
    with site.ledger.write() as session:
        session.execute(update(Series).values(purged_at=now()))
    assert operator.send(path, "/study/again", why="a colleague asked").status_code == 409
    assert site.story(site.screened)["state"] == "screened"
    with site.ledger.write() as session:
        session.execute(update(Series).values(purged_at=None))


def test_the_report_is_read_as_text_and_the_picture_seen(site, viewer):
    peers.set_stage(site.ledger, MODEL, Stage.RESEARCH)
    site.add("PACS", results="all")
    ds = films.film(3)
    series = site.screen(ds)
    [made] = [one for one in series["results"][0]["objects"] if one["kind"] == "SC"]
    text = viewer.get(path_of(ds)).text
    assert "The structured report, as text" in text and "Imaging Measurement Report" in text
    picture = viewer.get(
        f"/study/picture?uid={ds.StudyInstanceUID}&made_uid={made['SOPInstanceUID']}"
    )
    assert picture.content.startswith(b"\x89PNG") and picture.headers["content-type"] == "image/png"


@pytest.mark.parametrize("made_uid", ["../ledger.db", "/etc/passwd", "1.2.3", "", "..%2f..%2fx"])
def test_a_picture_is_had_by_what_the_ledger_knows_and_by_no_path(site, viewer, made_uid):
    path = f"/study/picture?uid={site.screened.StudyInstanceUID}&made_uid={made_uid}"
    assert viewer.get(path).status_code == 404


def test_a_study_that_never_came_is_not_told(viewer):
    assert viewer.get("/study?uid=1.2.3").status_code == 404
    assert viewer.get("/study").status_code == 400
