"""Models, people and the trail, as an administrator sees and changes them."""

import csv
import re

from browsing import PASSWORD, Browser
from calling import program_of

from daemon.records import peers, people, trail
from daemon.records.people_tables import Right
from daemon.records.trail import Deed

MODEL = "cxr_osporscreen"


def test_a_model_is_shown_with_whose_claims_they_are_and_that_it_is_never_live(viewer):
    text = viewer.get("/models").text
    assert "simulated patients" in text and "never live" in text and "not of ours" in text
    assert "/models/stage" not in text


def test_a_model_that_is_off_by_its_card_is_off_wherever_its_stage_is_told(
    origin, viewer, site_ledger
):
    told = re.search(r"<td>onfh_mri</td><td>(.*?)</td>", viewer.get("/").text)[1]
    assert "off" in told and "shadow" not in told
    with program_of(origin, site_ledger, Right.VIEWER) as client:
        [row] = [one for one in client.get("/models").json() if one["model"] == "onfh_mri"]
    assert row["stage"] == "off" == peers.stages(site_ledger)["onfh_mri"]


def test_a_stage_is_changed_by_who_says_why_and_live_is_refused(administrator, site_ledger):
    sent = {"model": MODEL, "stage": "research", "why": "the board agreed"}
    assert administrator.send("/models", "/models/stage", **sent).url.path == "/models"
    assert peers.stage_of(site_ledger, MODEL) == "research"
    answer = administrator.send("/models", "/models/stage", **sent | {"stage": "live"})
    assert answer.status_code == 409 and "never live" in answer.text
    for wrong, status in (({"why": ""}, 400), ({"stage": "best"}, 400), ({"model": "none"}, 409)):
        assert administrator.send("/models", "/models/stage", **sent | wrong).status_code == status
    assert peers.stage_of(site_ledger, MODEL) == "research"
    actions = [row.detail for row in trail.newest(site_ledger) if row.subject == MODEL]
    assert "live: the board agreed" in actions and "research: the board agreed" in actions


def test_somebody_new_gets_a_link_that_opens_the_site_to_them(administrator, origin, site_ledger):
    sent = {"name": "dr.new", "right": "viewer"}
    text = administrator.send("/people", "/people/set", **sent).text
    path = text[text.index("/welcome/") :].split("<")[0]
    newcomer = Browser(origin)
    newcomer.send(path, path, password=PASSWORD, again=PASSWORD)
    assert newcomer.sign_in("dr.new").status_code == 200
    assert newcomer.get("/people").status_code == 403
    # a right counts from the next page on, and so does its end
    administrator.send("/people", "/people/set", name="dr.new", right="administrator")
    assert newcomer.get("/people").status_code == 200
    form = administrator.hidden(administrator.get("/").text, "/sign-out") | {"name": "dr.new"}
    assert administrator.client.post("/people/remove", data=form).status_code == 400
    administrator.client.post("/people/remove", data=form | {"sure": "yes"})
    assert newcomer.get("/").url.path == "/sign-in"
    assert people.named(site_ledger, "dr.new") is None


def test_the_last_administrator_can_be_neither_removed_nor_made_less(administrator, site_ledger):
    form = administrator.hidden(administrator.get("/").text, "/sign-out")
    form |= {"name": "a-administrator", "sure": "yes", "right": "viewer"}
    for action in ("/people/remove", "/people/set"):
        answer = administrator.client.post(action, data=form)
        assert answer.status_code == 400 and "Nobody could administer" in answer.text
    assert people.named(site_ledger, "a-administrator").right == "administrator"


def test_a_name_that_could_be_markup_is_nobodys(administrator, site_ledger):
    answer = administrator.send("/people", "/people/set", name="<b>", right="viewer")
    assert answer.status_code == 400 and people.named(site_ledger, "<b>") is None


def test_the_trail_is_shown_and_exported_without_formulas(administrator, site_ledger):
    trail.write_down(site_ledger, Deed("ada", "", "looked", "=1+1", "<script>"))
    text = administrator.get("/trail").text
    assert "are as they were written down" in text and "&lt;script&gt;" in text
    answer = administrator.get("/trail.csv")
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert [row["subject"] for row in rows if row["person"] == "ada"] == ["'=1+1"]
    assert rows[-1]["action"] == "trail exported"
    assert administrator.get("/trail?before=x").status_code == 400
