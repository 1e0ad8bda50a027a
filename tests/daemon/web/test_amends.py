"""What people do about results: send again what was given up, take back what is wrong by IOCM."""

import films
import pydicom
import pytest
from browsing import running_site, signed_in
from main_path import Site
from pydicom.uid import KeyObjectSelectionDocumentStorage
from validators import dcentvfy, dciodvfy

from daemon import console
from daemon.records import claims, evidence, peers, search, summary, tally, trail
from daemon.records.people_tables import Right
from daemon.records.search import Wanted
from daemon.records.tables import Delivery, Stage
from daemon.web.overview import numbers_now
from workers.room import EngineRoom

WHY = "the film was of another patient"


@pytest.fixture(scope="module")
def site(tmp_path_factory, dcmtk_storescp):
    """A site whose results go to a real receiver, and to one that is away."""
    site = Site(tmp_path_factory.mktemp("amends") / "home", EngineRoom(None, engine_threads=1))
    site.stage(Stage.RESEARCH)
    site.add(dcmtk_storescp.aet, port=dcmtk_storescp.port)
    site.add("AWAY", port=1)
    # in ASCII: dcentvfy compares names byte by byte, and ours are in UTF-8
    site.film = films.film(1, PatientName="Virtual^Patient")
    site.screen(site.film)
    yield site
    assert evidence.contradictions(site.ledger) == []
    site.ledger.close()


@pytest.fixture(scope="module")
def operator(site):
    with running_site(site.settings, site.ledger) as origin:
        yield signed_in(origin, site.ledger, Right.OPERATOR)


def deliver(site):
    """Ring for all that is due, and let it be sent."""
    with site.ledger.read() as session:
        pending = session.query(Delivery).filter_by(state="pending")
        site.bell.delivered = [row.id for row in pending]
    site.deliver()


def by_peer(site):
    """Return the states of all deliveries of the film, by kind and peer."""
    return {
        (made["kind"], one["aet"]): one["state"]
        for result in site.story(site.film)["results"]
        for made in result["objects"]
        for one in made["deliveries"]
    }


def park(site):
    with site.ledger.write() as session:
        waiting = session.query(Delivery).filter_by(state="pending", aet="AWAY")
        waiting.update({"state": "parked", "detail": "nobody answers"})


def test_what_was_given_up_is_shown_by_peer_and_reason_and_sent_again_one_or_all(site, operator):
    deliver(site)
    park(site)
    text = operator.get("/deliveries").text
    assert "2 result objects were given up" in text and "nobody answers" in text
    assert site.film.StudyInstanceUID in text
    [heap] = numbers_now(site.settings, site.ledger)["parked_deliveries"]
    assert (heap["aet"], heap["objects"]) == ("AWAY", 2)
    form = operator.hidden(text, "/deliveries/again")
    number = text.partition('name="delivery" value="')[2].partition('"')[0]
    one = form | {"aet": "AWAY", "delivery": number}
    assert operator.client.post("/deliveries/again", data=one).status_code == 200
    assert sorted(state for (_, aet), state in by_peer(site).items() if aet == "AWAY") == [
        "parked",
        "pending",
    ]
    operator.client.post("/deliveries/again", data=form | {"all": "yes"})
    assert {state for (_, aet), state in by_peer(site).items() if aet == "AWAY"} == {"pending"}
    assert "Nothing was given up" in operator.get("/deliveries").text
    rows = [row for row in trail.newest(site.ledger) if row.action == "parked results sent again"]
    assert [row.detail for row in rows] == ["all", f"object {number}"]


def test_results_are_sent_once_more_by_who_says_why(site, operator, dcmtk_storescp):
    path = f"/study?uid={site.film.StudyInstanceUID}"
    assert operator.send(path, "/study/send", why="").status_code == 400
    before = {file.name for file in dcmtk_storescp.files()}
    assert len(before) == 2
    for file in dcmtk_storescp.files():
        file.unlink()
    assert operator.send(path, "/study/send", why="the PACS lost them").status_code == 200
    deliver(site)
    assert {file.name for file in dcmtk_storescp.files()} == before
    assert "the PACS lost them" in {row.detail for row in trail.newest(site.ledger)}


def test_a_note_of_what_was_taken_back_goes_to_whoever_had_it(
    site, operator, dcmtk_storescp, tmp_path
):
    uid = site.film.StudyInstanceUID
    path = f"/study?uid={uid}"
    assert operator.send(path, "/study/retract", why=WHY, ground="quality").status_code == 400
    sent = {"why": WHY, "ground": "patient safety", "sure": "yes"}
    # a stage that was switched off does not keep the note back
    peers.set_stage(site.ledger, "cxr_osporscreen", Stage.OFF)
    text = operator.send(path, "/study/retract", **sent).text
    assert "Retracted" in text and WHY in text and "/study/retract" not in text
    deliver(site)
    states = by_peer(site)
    assert states["KO", dcmtk_storescp.aet] == "sent" and ("KO", "AWAY") not in states
    assert {states[kind, "AWAY"] for kind in ("SR", "SC")} == {"dropped"}
    read = {file: pydicom.dcmread(file) for file in dcmtk_storescp.files()}
    [(file, note)] = [
        (file, ds)
        for file, ds in read.items()
        if ds.SOPClassUID == KeyObjectSelectionDocumentStorage
    ]
    assert note.ConceptNameCodeSequence[0].CodeValue == "113037"
    assert (note.PatientID, note.StudyInstanceUID) == (site.film.PatientID, uid)
    named = [item.ReferencedSOPSequence[0] for item in note.ContentSequence[1:]]
    others = [ds for ds in read.values() if ds is not note]
    assert {one.ReferencedSOPInstanceUID for one in named} == {ds.SOPInstanceUID for ds in others}
    assert note.ContentSequence[0].TextValue == WHY
    every = [films.write(tmp_path, site.film), *read]
    assert [*dciodvfy(file), *dcentvfy(every)] == []


def test_what_was_taken_back_is_flagged_nowhere_and_never_sent_again(site, operator, capsys):
    uid, path = site.film.StudyInstanceUID, f"/study?uid={site.film.StudyInstanceUID}"
    assert search.studies(site.ledger, Wanted(flagged=True)) == []
    assert tally.days(site.ledger, 1)[0].flagged == 0
    [row] = [row for row in trail.newest(site.ledger) if row.action == "results retracted"]
    assert (row.subject, row.detail) == (uid, f"patient safety: {WHY}")
    form = operator.hidden(operator.get("/").text, "/sign-out") | {"uid": uid, "why": WHY}
    again = form | {"ground": "quality", "sure": "yes"}
    assert operator.client.post("/study/retract", data=again).status_code == 400
    before = by_peer(site)
    operator.client.post("/study/send", data=form)
    assert by_peer(site) == before
    # the same film once more: what was said of it was taken back, and is not said again
    site.screen(site.film)
    assert by_peer(site) == before
    assert summary.status(site.ledger)["flagged"] == 0
    console.study(summary.study(site.ledger, uid))
    assert WHY in capsys.readouterr().out
    assert summary.study(site.ledger, uid)["series"][0]["results"][0]["retracted_why"] == WHY
    series_uid = site.film.SeriesInstanceUID
    answer = operator.client.post("/study/again", data=form | {"series_uid": series_uid})
    assert answer.status_code == 409 and "Its result was retracted" in answer.text
    assert claims.anew(site.ledger, series_uid) == []
    assert site.story(site.film)["state"] == "screened"
    told = operator.get(path).text
    assert "Judge" not in told and "not flagged" not in operator.get(f"/studies?uid={uid}").text
    assert '<span class="tag ">retracted</span>' in told
