"""The JSON interface does what the pages and the command do, and writes it down alike."""

from contextlib import ExitStack

import films
import pytest
from browsing import running_site
from calling import program_of
from main_path import MODEL, Site
from peers import LOOPBACK, free_port
from sqlalchemy import update

from daemon.conformance.statement import statement
from daemon.records import peers, refusals, tokens, trail
from daemon.records.ledger import now
from daemon.records.people_tables import Right
from daemon.records.tables import Delivery, DeliveryState, Stage
from daemon.rejection import Ground
from workers.room import EngineRoom

WISH = {"host": LOOPBACK, "port": 104, "results": "all"}
WHY = "the modality was put right"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site with one film that was screened and sent, and one that was skipped."""
    site = Site(tmp_path_factory.mktemp("api") / "home", EngineRoom(None, engine_threads=1))
    site.stage(Stage.RESEARCH)
    site.add("PACS", free_port())
    site.screened, site.skipped = films.film(1), films.film(2)
    site.screened.PatientName = "DOE^JANE"
    site.skipped.PatientAge, site.skipped.PatientBirthDate = "", ""
    for ds in (site.screened, site.skipped):
        site.screen(ds)
    yield site
    site.ledger.close()


@pytest.fixture(scope="module")
def programs(site):
    with running_site(site.settings, site.ledger) as origin, ExitStack() as clients:
        yield {
            right: clients.enter_context(program_of(origin, site.ledger, right)) for right in Right
        }


@pytest.fixture
def viewer(programs):
    return programs[Right.VIEWER]


@pytest.fixture
def operator(programs):
    return programs[Right.OPERATOR]


@pytest.fixture
def administrator(programs):
    return programs[Right.ADMINISTRATOR]


def rows(site, action):
    return [row for row in trail.newest(site.ledger) if row.action == action]


def test_a_program_is_told_whose_token_it_has(viewer):
    told = viewer.get("/me").json()
    assert (told["person"], told["right"]) == ("program-viewer", "viewer")


def test_the_status_is_that_of_the_command_and_says_what_needs_a_person(viewer):
    told = viewer.get("/status").json()
    assert told["series"]["total"] == sum(told["series"]["by_state"].values()) == 2
    assert told["days"][-1]["received"] == 2 and told["days"][-1]["flagged"] == 1
    assert "No peer may send images to us yet." in [need["words"] for need in told["needs"]]


def test_a_peer_is_added_told_asked_and_removed(site, administrator, operator, viewer):
    port = free_port()
    answer = administrator.put("/peers/CT 9%2FA", json=WISH | {"port": port, "sends": True})
    assert answer.status_code == 200
    told = viewer.get("/peers/CT 9%2FA").json()
    assert told == answer.json() and (told["port"], told["sends"], told["sr"]) == (
        port,
        True,
        "comprehensive3d",
    )
    [listed] = [peer for peer in viewer.get("/peers").json() if peer["aet"] == "CT 9/A"]
    assert listed.items() <= told.items()
    said = operator.post("/peers/CT 9%2FA/echo").json()
    assert not said["heard"] and f"{LOOPBACK}:{port} does not answer" in said["words"]
    assert administrator.delete("/peers/CT 9%2FA").status_code == 204
    assert viewer.get("/peers/CT 9%2FA").status_code == 404
    done = [row.action for row in trail.newest(site.ledger) if row.subject == "CT 9/A"]
    assert done == ["peer removed", "peer asked (C-ECHO)", "peer set"]


@pytest.mark.parametrize(
    ("aet", "wrong", "status", "words"),
    [
        ("A%5CB", {}, 422, "aet"),
        ("SEVENTEEN-LETTERS", {}, 422, "aet"),
        ("OSTEOSCREEN", {}, 409, "title of ours"),
        ("NEW", {"host": "a b"}, 422, "host"),
        ("NEW", {"port": 70000}, 422, "port"),
        ("NEW", {"results": "everything"}, 422, "results"),
        ("NEW", {"tls_fingerprint": "AB:CD"}, 422, "tls_fingerprint"),
        ("NEW", {"sendz": True}, 422, "sendz"),
    ],
)
def test_what_can_be_no_peer_is_said_in_a_sentence(administrator, site, aet, wrong, status, words):
    before = peers.everyone(site.ledger)
    answer = administrator.put(f"/peers/{aet}", json=WISH | wrong)
    assert answer.status_code == status and words in answer.json()["error"]
    assert answer.json()["status"] == status
    assert len(peers.everyone(site.ledger)) == len(before)


def test_who_was_refused_is_listed_with_what_would_allow_it(viewer, site):
    why = "peer CT9 at 10.0.0.9 is not allowed to send: osteoscreen peers add CT9 10.0.0.9"
    refusals.write_down(site.ledger, "CT9", why)
    [told] = viewer.get("/refusals").json()
    assert (told["aet"], told["host"]) == ("CT9", "10.0.0.9") and "osteoscreen" not in told["why"]


def test_studies_are_found_as_on_the_page(site, viewer):
    screened, skipped = site.screened.StudyInstanceUID, site.skipped.StudyInstanceUID
    for asked, wanted in (
        ({}, {screened, skipped}),
        ({"state": "flagged"}, {screened}),
        ({"reason": "age-missing"}, {skipped}),
        ({"from": "2020-01-01", "to": "2999-01-01"}, {screened, skipped}),
        ({"to": "9999-12-31"}, {screened, skipped}),
        ({"before": "2020-01-01T00:00:00+01:00"}, set()),
    ):
        told = viewer.get("/studies", params=asked).json()
        assert {study["StudyInstanceUID"] for study in told["studies"]} == wanted, asked
    assert told["before"] is None
    for odd in ({"state": "best"}, {"from": "0.0"}, {"before": "0"}, {"before": "2020-01-01"}):
        assert viewer.get("/studies", params=odd).status_code == 422, odd


def test_a_patients_studies_are_found_by_an_id_that_is_in_no_address_and_in_no_row(site, viewer):
    for asked, wanted in (
        ({"PatientID": site.screened.PatientID}, True),
        ({"PatientID": "nobody's"}, False),
        ({"PatientID": site.screened.PatientID, "AccessionNumber": "nobody's"}, False),
    ):
        told = viewer.post("/studies/search", json=asked).json()["studies"]
        found = {study["StudyInstanceUID"] for study in told}
        assert (site.screened.StudyInstanceUID in found) is wanted, asked
    assert viewer.post("/studies/search", json={"PatientID": "  "}).status_code == 422
    searched = rows(site, "studies searched")
    assert len(searched) == 4
    assert not any(site.screened.PatientID in row.subject + row.detail for row in searched)


def test_a_story_is_told_without_the_name_until_it_is_asked_for_and_both_are_written_down(
    site, viewer
):
    path = f"/studies/{site.screened.StudyInstanceUID}"
    answer = viewer.get(path)
    assert "JANE" not in answer.text and answer.json()["patient"] is None
    [series] = answer.json()["series"]
    [result] = series["results"]
    assert (series["state"], result["model"]) == ("screened", MODEL)
    sr, sc = (
        next(one["SOPInstanceUID"] for one in result["objects"] if one["kind"] == kind)
        for kind in ("SR", "SC")
    )
    assert answer.json()["reports"][sr][0]["words"] == "Imaging Measurement Report"
    picture = viewer.get(f"{path}/pictures/{sc}")
    assert picture.headers["content-type"] == "image/png"
    assert viewer.get(f"{path}/pictures/{sr}").status_code == 404
    assert viewer.get(path, params={"named": True}).json()["patient"]["PatientName"] == "DOE^JANE"
    looks = rows(site, "study looked at")
    assert [row.detail.split()[0] for row in looks] == ["with", "without"]
    assert {row.person for row in looks} == {"program-viewer"}
    [token] = tokens.everyone(site.ledger, "program-viewer")
    assert all(row.detail.endswith(f"by token {token.id}") for row in looks)


def test_a_series_is_judged_again_by_who_says_why(site, operator):
    path = f"/studies/{site.skipped.StudyInstanceUID}/again"
    asked = {"SeriesInstanceUID": site.skipped.SeriesInstanceUID, "why": WHY}
    assert operator.post(path, json=asked | {"why": ""}).status_code == 422
    other = asked | {"SeriesInstanceUID": site.screened.SeriesInstanceUID}
    assert operator.post(path, json=other).status_code == 400
    assert operator.post(path, json=asked).json() == {"series": [asked["SeriesInstanceUID"]]}
    assert operator.post(path, json=asked).json() == {"series": []}
    assert rows(site, "series judged again")[0].detail.startswith(WHY)
    assert operator.post("/parked/again", json={"why": WHY}).json() == {"series": []}


def test_parked_deliveries_go_out_again(site, operator):
    assert operator.post("/peers/PACS/resend").json() == {"objects": 0}
    assert rows(site, "parked results sent again")[0].subject == "PACS"


def test_the_flow_counts_every_series_and_other_thresholds_are_tried_without_effect(site, viewer):
    flow = viewer.get("/flow").json()
    assert flow["received"] == flow["judged"] + flow["waiting"] == 2
    assert flow["flagged"] == 1 and flow["not_flagged"] == 0
    assert viewer.get("/flow", params={"to": "2020-01-01"}).json()["received"] == 0
    path = f"/models/{MODEL}/dry-run"
    [stands] = viewer.post(path, json={}).json()["thresholds"]
    tried = viewer.post(path, json={"thresholds": {stands["name"]: 1.1}}).json()
    assert (tried["now"], tried["then"], tried["newly"]) == (1, 0, [])
    assert tried["no_longer"] == [site.screened.StudyInstanceUID]
    assert viewer.get("/flow").json()["flagged"] == 1
    assert viewer.post("/models/none/dry-run", json={}).status_code == 404


def test_what_was_given_up_is_listed_and_goes_out_again_one_by_one(site, viewer, operator):
    with site.ledger.write() as session:
        session.execute(update(Delivery).values(state=DeliveryState.PARKED, detail="full"))
    parked = viewer.get("/deliveries/parked").json()
    assert {(one["kind"], one["detail"]) for one in parked} == {("SR", "full"), ("SC", "full")}
    asked = {"aet": "PACS", "delivery_id": parked[0]["delivery_id"]}
    assert operator.post("/deliveries/again", json=asked).json() == {"objects": 1}
    assert operator.post("/deliveries/again", json=asked).json() == {"objects": 0}
    others = {"aet": "PACS", "detail": "full"}
    assert operator.post("/deliveries/again", json=others).json() == {"objects": 1}
    assert viewer.get("/deliveries/parked").json() == []


def test_results_are_sent_again_and_taken_back_with_a_reason(site, viewer, operator):
    path = f"/studies/{site.screened.StudyInstanceUID}"
    with site.ledger.write() as session:
        session.execute(update(Delivery).values(state=DeliveryState.SENT, sent_at=now()))
    assert operator.post(f"{path}/send", json={"why": WHY}).json() == {"objects": 2}
    wish = {"ground": str(next(iter(Ground))), "why": WHY}
    assert operator.post(f"{path}/retract", json=wish | {"ground": "spite"}).status_code == 422
    assert operator.post(f"{path}/retract", json=wish).json() == {"results": 1}
    assert operator.post(f"{path}/retract", json=wish).status_code == 400
    [result] = viewer.get(path).json()["series"][0]["results"]
    assert result["retracted_why"] == WHY
    assert {one["kind"] for one in result["objects"]} == {"SR", "SC", "KO"}
    assert rows(site, "results retracted")[0].person == "program-operator"


def test_a_stage_is_set_with_a_reason_and_live_is_refused(site, administrator, viewer):
    path = f"/models/{MODEL}/stage"
    assert administrator.put(path, json={"stage": "off", "why": WHY}).json()["stage"] == "off"
    answer = administrator.put(path, json={"stage": "live", "why": WHY})
    assert answer.status_code == 409 and "never live" in answer.json()["error"]
    [told] = [one for one in viewer.get("/models").json() if one["model"] == MODEL]
    assert told["stage"] == "off" and told["trained_on"] == "simulated patients" and told["claims"]
    asked = {"stage": "off", "why": WHY}
    assert administrator.put("/models/none/stage", json=asked).status_code == 404


def test_a_person_is_added_let_in_and_removed_but_not_the_last_administrator(site, administrator):
    link = administrator.put("/people/ada", json={"right": "viewer"}).json()["link"]
    assert link.startswith("/welcome/")
    assert administrator.post("/people/ada/link").json()["link"] != link
    [told] = [one for one in administrator.get("/people").json() if one["name"] == "ada"]
    assert (told["right"], told["has_password"]) == ("viewer", False)
    assert administrator.delete("/people/ada").status_code == 204
    assert administrator.delete("/people/ada").status_code == 404
    last = administrator.delete("/people/program-administrator")
    assert last.status_code == 400 and "Nobody could administer" in last.json()["error"]
    assert administrator.put("/people/<b>", json={"right": "viewer"}).status_code == 422


def test_the_trail_is_listed_newest_first(administrator):
    for name in ("bob", "eve", "dan"):
        administrator.put(f"/people/{name}", json={"right": "viewer"})
    newest = administrator.get("/trail", params={"most": 2}).json()
    assert newest[0]["action"] == "person set" and newest[0]["id"] == newest[1]["id"] + 1
    older = administrator.get("/trail", params={"before": newest[1]["id"], "most": 1}).json()
    assert older[0]["id"] == newest[1]["id"] - 1


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"\xff", "application/json", 422),
        (b"{", "application/json", 422),
        (b"{}", "text/plain", 415),
        (b"why=because", "application/x-www-form-urlencoded", 415),
        (b" " * (65 << 10), "application/json", 413),
        (iter([b"{}"]), "application/json", 411),
    ],
)
def test_a_body_that_is_no_json_is_refused_in_json(operator, body, kind, status):
    answer = operator.post("/parked/again", content=body, headers={"Content-Type": kind})
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_trail_is_checked_and_given_as_files_from_a_row_on(administrator, site):
    told = administrator.get("/trail/check").json()
    assert told == {"rows": trail.count(site.ledger), "problems": []}
    assert administrator.get("/trail/check", params={"whole": True}).json() == told
    lines = administrator.get("/trail.csv", params={"after": told["rows"] - 1}).text.splitlines()
    assert len(lines) == 3 and lines[1].startswith(f"{told['rows']},")
    assert f"CSV, after row {told['rows'] - 1}; by token" in lines[2]
    answer = administrator.get("/trail.xml", params={"after": told["rows"]})
    assert answer.text.count("<AuditMessage>") == 2


def test_the_metrics_are_those_of_the_command(viewer, site):
    answer = viewer.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {line.partition(" ")[0]: line for line in answer.text.splitlines()}
    assert found['osteoscreen_series{state="screened"}'].endswith(" 1.0")
    assert "JANE" not in answer.text


def test_a_misspelt_key_is_said_to_be_one(site, viewer):
    answer = viewer.get(f"/studies/{site.screened.StudyInstanceUID}", params={"name": True})
    assert (answer.status_code, answer.json()["error"]) == (422, "query: known here are named")


def test_the_conformance_statement_is_that_of_the_command(site, viewer):
    assert viewer.get("/conformance").text == statement(site.settings)


def test_nothing_is_purged_where_no_rule_is_set(viewer):
    assert viewer.get("/retention").json() == []
