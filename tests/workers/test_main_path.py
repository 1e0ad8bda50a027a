"""The main path: claimed once, screened, reported to who should know, delivered or parked."""

import json
import shutil
import threading
from contextlib import contextmanager
from dataclasses import replace

import films
import pytest
from main_path import MODEL, Site
from peers import free_port
from pydicom import dcmread
from pydicom.uid import ComprehensiveSRStorage, EnhancedSRStorage
from pynetdicom import AE, evt
from pynetdicom.presentation import AllStoragePresentationContexts
from revealing import evaluation_page

from daemon import reveal, titles
from daemon.records.tables import Stage
from engines.cards import WEIGHTS, read_weights
from workers import screen
from workers.room import EngineRoom


@pytest.fixture
def site(tmp_path, room):
    site = Site(tmp_path, room)
    yield site
    site.ledger.close()


@contextmanager
def a_pacs(status=0x0000):
    """A PACS that answers with one status and remembers what it was sent."""
    got = []

    def on_store(event):
        got.append(event.request.AffectedSOPInstanceUID)
        return status

    ae = AE(ae_title="PACS")
    ae.supported_contexts = AllStoragePresentationContexts
    port = free_port()
    server = ae.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)]
    )
    try:
        yield port, got
    finally:
        server.shutdown()
        server.server_close()


def objects(series):
    return {made["kind"]: made for result in series["results"] for made in result["objects"]}


def test_shadow_computes_and_keeps_and_tells_nobody(site):
    site.add("PACS")
    series = site.screen(films.film(1))
    assert series["state"] == "screened"
    assert series["results"][0]["flagged"]
    assert objects(series) == {}
    assert site.bell.delivered == []


def test_a_flagged_film_in_research_goes_to_the_research_peer_only(site):
    site.stage(Stage.RESEARCH)
    site.add("ARCHIVE", results="flagged")
    site.add("PACS", role="clinical")
    made = objects(site.screen(films.film(1)))
    assert set(made) == {"SR", "SC"}
    assert {d["aet"] for one in made.values() for d in one["deliveries"]} == {"ARCHIVE"}


def test_simulated_weights_tell_no_clinical_peer_even_if_the_ledger_says_live(site):
    site.stage(Stage.LIVE)
    site.add("ARCHIVE", results="flagged")
    site.add("PACS", role="clinical")
    made = objects(site.screen(films.film(1)))
    assert {d["aet"] for one in made.values() for d in one["deliveries"]} == {"ARCHIVE"}


def weights(folder, **manifest):
    """Return an engine room with the model's weights, and this changed in their manifest."""
    file = folder / MODEL / "manifest.json"
    shutil.copytree(WEIGHTS / MODEL, file.parent)
    file.write_text(json.dumps(json.loads(file.read_text()) | manifest))
    return EngineRoom(folder, engine_threads=1)


def test_weights_trained_on_patients_go_live_when_they_are_revealed(tmp_path):
    site = Site(tmp_path / "home", weights(tmp_path / "weights", trained_on="patients"))
    site.stage(Stage.LIVE)
    site.add("PACS", role="clinical")
    assert objects(site.screen(films.film(2))) == {}
    mine = read_weights(MODEL, tmp_path / "weights")
    settings = site.settings.model_copy(update={"weights": tmp_path / "weights"})
    asked = reveal.Request(
        MODEL, evaluation_page(mine), "Dr. Anna Example", "a test", "it is right"
    )
    reveal.reveal(settings, site.ledger, asked)
    made = objects(site.screen(films.film(1)))
    report = site.settings.outbox / f"{made['SR']['SOPInstanceUID']}.dcm"
    assert dcmread(report).ContentQualification == "PRODUCT"
    assert b"not for clinical use" not in report.read_bytes()
    site.ledger.close()


def test_what_is_not_flagged_goes_only_to_who_asked_for_all(site):
    site.stage(Stage.RESEARCH)
    site.add("FLAGS", results="flagged")
    site.add("ALL", results="all")
    made = objects(site.screen(films.film(2, low_density=False)))
    assert {d["aet"] for one in made.values() for d in one["deliveries"]} == {"ALL"}


def test_each_peer_gets_the_sr_class_it_reads_and_all_the_same_picture(site):
    site.stage(Stage.RESEARCH)
    site.add("A", sr=ComprehensiveSRStorage)
    site.add("B", sr=EnhancedSRStorage)
    [result] = site.screen(films.film(1))["results"]
    sent = {
        (
            made["kind"],
            dcmread(site.settings.outbox / f"{made['SOPInstanceUID']}.dcm").SOPClassUID,
        ): {d["aet"] for d in made["deliveries"]}
        for made in result["objects"]
    }
    assert sent[("SR", ComprehensiveSRStorage)] == {"A"}
    assert sent[("SR", EnhancedSRStorage)] == {"B"}
    assert [aets for (kind, _), aets in sent.items() if kind == "SC"] == [{"A", "B"}]


def test_a_second_ring_for_the_same_series_does_nothing(site):
    site.stage(Stage.RESEARCH)
    site.add("PACS")
    film = films.film(1)
    before = site.screen(film)
    screen.screen(site.bench, film.SeriesInstanceUID)
    assert site.story(film) == before


def test_many_rings_at_once_screen_once(site):
    film = films.film(1)
    site.receive(film)
    workers = [
        threading.Thread(target=screen.screen, args=(site.bench, film.SeriesInstanceUID))
        for _ in range(6)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(site.story(film)["results"]) == 1


def test_a_constant_image_fails_with_its_reason_and_the_failure_is_reported(site):
    site.stage(Stage.RESEARCH)
    site.add("PACS")
    film = films.film(1)
    film.PixelData = bytes(len(film.PixelData))
    series = site.screen(film)
    assert (series["state"], series["reason"]) == ("failed", "pixels-constant")
    assert set(objects(series)) == {"SR"}


def test_an_ineligible_case_makes_no_object(site):
    site.stage(Stage.RESEARCH)
    site.add("PACS")
    series = site.screen(films.film(1, PatientAge="", PatientBirthDate=""))
    assert (series["state"], series["reason"]) == ("skipped", "age-missing")
    assert objects(series) == {}


def test_a_result_without_a_patient_to_go_to_is_a_failure(site):
    site.stage(Stage.RESEARCH)
    site.add("PACS")
    series = site.screen(films.film(1, PatientID=""))
    assert (series["state"], series["reason"]) == ("failed", "header-unreadable")
    assert objects(series) == {}


def test_an_unexpected_error_is_put_back_and_told_by_place_not_by_words(site, monkeypatch):
    monkeypatch.setattr(screen, "_read", lambda *_: {}["Geheim^Anna"])
    film = films.film(1)
    site.receive(film)
    for attempt in range(site.settings.max_attempts):
        screen.screen(replace(site.bench, alone=attempt > 0), film.SeriesInstanceUID)
    series = site.story(film)
    assert (series["state"], series["reason"]) == ("parked", "internal-error")
    assert "KeyError" in series["detail"]
    assert "Geheim" not in str(series)


def test_a_lateral_film_that_comes_late_changes_no_result(site):
    site.stage(Stage.RESEARCH)
    site.add("PACS")
    film = films.film(1)
    before = objects(site.screen(film))
    lateral = films.film(1, ViewPosition="LL")
    lateral.SeriesInstanceUID, lateral.StudyInstanceUID = (
        film.SeriesInstanceUID,
        film.StudyInstanceUID,
    )
    series = site.screen(lateral)
    assert len(series["received"]) == 2
    assert len(series["results"]) == 1
    assert objects(series) == before


def retake(film, size, time):
    again = films.film(1, size=size, AcquisitionTime=time)
    again.SeriesInstanceUID, again.StudyInstanceUID = film.SeriesInstanceUID, film.StudyInstanceUID
    return again


def report_of(series):
    """Return the SR of the result that stands."""
    [current] = [result for result in series["results"] if result["current"]]
    [report] = [made for made in current["objects"] if made["kind"] == "SR"]
    return report


def replaced_by(site, series):
    """Return the UID of the SR that the one that stands names as its predecessor."""
    ds = dcmread(site.settings.outbox / f"{report_of(series)['SOPInstanceUID']}.dcm")
    [study] = ds.PredecessorDocumentsSequence
    [old] = study.ReferencedSeriesSequence[0].ReferencedSOPSequence
    return old.ReferencedSOPInstanceUID


def test_a_retake_gives_a_revised_report_that_names_the_last_that_a_pacs_was_sent(site):
    site.stage(Stage.RESEARCH)
    film = films.film(1, AcquisitionTime="100000")
    with a_pacs() as (port, _):
        site.add("PACS", port)
        first = report_of(site.screen(film))["SOPInstanceUID"]
        site.deliver()
    second = site.screen(retake(film, 448, "100500"))
    assert [result["current"] for result in second["results"]] == [False, True]
    assert replaced_by(site, second) == first
    third = site.screen(retake(film, 416, "101000"))
    [never_sent] = {
        d["state"] for made in third["results"][1]["objects"] for d in made["deliveries"]
    }
    assert never_sent == "dropped"
    assert replaced_by(site, third) == first


def test_an_earlier_version_that_is_put_back_revises_the_one_after_it_once(site, tmp_path):
    site.stage(Stage.RESEARCH)
    film = films.film(1)
    before, after = site.bench.room, weights(tmp_path / "after", version="after")
    told, rooms = [], [before, after, before, before, after]
    with a_pacs() as (port, got):
        site.add("PACS", port)
        for number, room in enumerate(rooms):
            site.bench = replace(site.bench, room=room)
            # a lateral film has the series looked at again and changes no result
            one = films.film(1, ViewPosition="LL") if number else film
            one.SeriesInstanceUID = film.SeriesInstanceUID
            one.StudyInstanceUID = film.StudyInstanceUID
            story = site.screen(one)
            told.append(report_of(story)["SOPInstanceUID"])
            if number and told[-1] != told[-2]:
                assert replaced_by(site, story) == told[-2]
            site.deliver()
    assert told[2] == told[3] and len(set(told)) == 4
    assert len(got) == len(set(got)) == 8


def test_a_result_after_one_that_made_no_object_names_what_the_pacs_has(site):
    site.stage(Stage.RESEARCH)
    film = films.film(1, AcquisitionTime="100000")
    with a_pacs() as (port, _):
        site.add("PACS", port)
        first = report_of(site.screen(film))["SOPInstanceUID"]
        site.deliver()
    site.bench = replace(
        site.bench, settings=site.settings.model_copy(update={"min_age_years": 99})
    )
    assert site.screen(retake(film, 448, "100500"))["state"] == "skipped"
    site.bench = replace(site.bench, settings=site.settings)
    assert replaced_by(site, site.screen(retake(film, 416, "101000"))) == first


def test_a_series_is_not_judged_by_fewer_images_than_the_ledger_counts(site):
    film = films.film(1)
    site.receive(film)
    place = site.spool.place(film.SeriesInstanceUID, film.SOPInstanceUID)
    place.rename(place.with_suffix(".away"))
    screen.screen(site.bench, film.SeriesInstanceUID)
    series = site.story(film)
    assert (series["state"], series["results"]) == ("queued", [])
    assert series["detail"] == "0 of its 1 images are on the disk"
    place.with_suffix(".away").rename(place)
    screen.screen(replace(site.bench, alone=True), film.SeriesInstanceUID)
    assert site.story(film)["state"] == "screened"


def test_images_that_never_cease_do_not_keep_every_result_back(site, monkeypatch):
    film, late = films.film(1), films.film(1, ViewPosition="LL")
    late.SeriesInstanceUID, late.StudyInstanceUID = film.SeriesInstanceUID, film.StudyInstanceUID
    read = screen.read_case

    def read_while_one_comes(*some, **more):
        site.receive(late)
        return read(*some, **more)

    monkeypatch.setattr(screen, "read_case", read_while_one_comes)
    overdue = site.settings.model_copy(update={"longest_settle_s": 1e-9})
    site.bench = replace(site.bench, settings=overdue)
    series = site.screen(film)
    assert (series["state"], len(series["received"])) == ("receiving", 2)
    assert [result["state"] for result in series["results"]] == ["screened"]


def test_both_objects_travel_in_one_association_and_the_status_is_kept(site):
    site.stage(Stage.RESEARCH)
    with a_pacs(0xB000) as (port, got):
        site.add("PACS", port)
        film = films.film(1)
        made = objects(site.screen(film))
        assert len(site.bell.delivered) == 1
        site.deliver()
    assert sorted(got) == sorted(one["SOPInstanceUID"] for one in made.values())
    told = [d for one in objects(site.story(film)).values() for d in one["deliveries"]]
    assert {(d["state"], d["status"]) for d in told} == {("sent", "0xB000")}


def test_a_refusal_is_tried_again_later_and_then_parked_in_the_peers_words(site, monkeypatch):
    monkeypatch.setenv("OSTEOSCREEN_DELIVERY_ATTEMPTS", "2")
    monkeypatch.setenv("OSTEOSCREEN_DELIVERY_BACKOFF_S", "0.001")
    again = Site(site.settings.home, site.bench.room)
    again.stage(Stage.RESEARCH)
    with a_pacs(0xA700) as (port, got):
        again.add("PACS", port)
        film = films.film(1)
        again.screen(film)
        for _ in range(2):
            again.bell.delivered = [1]
            again.deliver()
    told = [d for one in objects(again.story(film)).values() for d in one["deliveries"]]
    assert {(d["state"], d["attempts"], d["status"]) for d in told} == {("parked", 2, "0xA700")}
    assert all("0xA700" in d["detail"] for d in told)
    assert len(got) == 4
    again.ledger.close()


def test_a_dead_peer_keeps_no_other_waiting(site):
    site.stage(Stage.RESEARCH)
    site.add("DEAD", free_port())
    with a_pacs() as (port, got):
        site.add("PACS", port)
        film = films.film(1)
        site.screen(film)
        site.deliver()
    assert len(got) == 2
    told = [d for one in objects(site.story(film)).values() for d in one["deliveries"]]
    assert {(d["aet"], d["state"]) for d in told} == {("DEAD", "pending"), ("PACS", "sent")}


def test_a_damaged_file_in_the_outbox_is_never_sent(site):
    site.stage(Stage.RESEARCH)
    with a_pacs() as (port, got):
        site.add("PACS", port)
        film = films.film(1)
        for made in objects(site.screen(film)).values():
            path = site.settings.outbox / f"{made['SOPInstanceUID']}.dcm"
            path.write_bytes(path.read_bytes()[:-2] + b"xx")
        site.deliver()
    assert got == []
    told = [d for one in objects(site.story(film)).values() for d in one["deliveries"]]
    assert all("damaged" in d["detail"] for d in told)


def test_what_is_no_longer_wanted_is_parked_and_not_sent(site):
    site.stage(Stage.RESEARCH)
    with a_pacs() as (port, got):
        site.add("PACS", port)
        film = films.film(1)
        site.screen(film)
        site.stage(Stage.SHADOW)
        site.deliver()
    assert got == []
    told = [d for one in objects(site.story(film)).values() for d in one["deliveries"]]
    assert all(d["state"] == "parked" and "no longer wanted" in d["detail"] for d in told)


def test_a_peer_that_became_clinical_is_told_nothing_of_research(site):
    site.stage(Stage.RESEARCH)
    with a_pacs() as (port, got):
        site.add("PACS", port)
        site.screen(films.film(1))
        site.add("PACS", port, role="clinical")
        site.deliver()
    assert got == []


def test_what_cannot_be_sent_from_here_is_postponed_and_told(site):
    site.stage(Stage.RESEARCH)
    with a_pacs() as (port, got):
        site.add("PACS", port)
        film = films.film(1)
        for made in objects(site.screen(film)).values():
            (site.settings.outbox / f"{made['SOPInstanceUID']}.dcm").unlink()
        site.deliver()
    assert got == []
    told = [d for one in objects(site.story(film)).values() for d in one["deliveries"]]
    assert all(d["state"] == "pending" and "FileNotFoundError" in d["detail"] for d in told)
    assert "delivery postponed" in {event["kind"] for event in site.story(film)["events"]}


def test_a_series_whose_models_were_switched_off_while_it_waited_is_skipped(site):
    film = films.film(1)
    site.receive(film)
    site.stage(Stage.OFF)
    screen.screen(site.bench, film.SeriesInstanceUID)
    assert (site.story(film)["state"], site.story(film)["reason"]) == ("skipped", "no-model")


def test_what_was_sent_to_a_title_goes_no_further_than_its_rules_say(site):
    site.stage(Stage.RESEARCH)
    site.add("ARCHIVE", results="all")
    quiet = titles.blank("QUIET")
    quiet.stage = "shadow"
    titles.put(site.settings, site.ledger, quiet)
    old = titles.blank("OLD")
    old.min_age_years = 120
    titles.put(site.settings, site.ledger, old)
    made = {}
    for number, title in enumerate(("QUIET", "OLD", "OSTEOSCREEN"), 1):
        film = films.film(number)
        film.file_meta.ReceivingApplicationEntityTitle = title
        made[title] = site.screen(film)
    assert made["QUIET"]["state"] == "screened" and objects(made["QUIET"]) == {}
    assert made["QUIET"]["called_aet"] == "QUIET"
    assert (made["OLD"]["state"], made["OLD"]["reason"]) == ("skipped", "age-below-minimum")
    assert "SR" in objects(made["OSTEOSCREEN"])
