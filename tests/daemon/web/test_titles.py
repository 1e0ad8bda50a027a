"""Our own AE titles in the forms and over the JSON interface."""

from calling import program_of

from daemon.records import own_titles, trail
from daemon.records.people_tables import Right


def test_a_title_is_added_shown_changed_and_removed_in_forms(administrator, viewer, site_ledger):
    sent = {"aet": "TRIAL", "purpose": "trial <7>", "model.hip_vit": "yes", "stage": "research"}
    answer = administrator.send("/title/new", "/title/set", **sent, min_age_years="65", derived="")
    assert answer.url.path == "/peers"
    text = viewer.get("/peers").text
    assert "trial &lt;7&gt;" in text and "hip_vit" in text and "/title/change" not in text
    page = "/title/change?aet=TRIAL"
    assert 'value="65"' in administrator.get(page).text
    more = {"aet": "TRIAL", "purpose": "", "stage": "live", "min_age_years": "", "derived": "yes"}
    administrator.send(page, "/title/set", **more)
    [title] = own_titles.answered(site_ledger)
    assert (title.models, title.min_age_years, title.accept_derived_primary) == ([], None, True)
    assert administrator.send(page, "/title/remove", aet="TRIAL").status_code == 400
    administrator.send(page, "/title/remove", aet="TRIAL", sure="yes")
    assert own_titles.answered(site_ledger) == []
    assert administrator.get(page).status_code == 404
    deeds = [row.action for row in trail.newest(site_ledger) if row.subject == "TRIAL"]
    assert deeds == ["own title removed", "own title set", "own title set"]


def test_a_form_that_can_be_no_title_is_shown_again_with_the_reason(administrator):
    good = {"aet": "T2", "purpose": "kept", "stage": "live", "min_age_years": "", "derived": ""}
    for wrong, why in (
        ({"aet": "A" * 17}, "1 to 16"),
        ({"aet": "OSTEOSCREEN"}, "already"),
        ({"stage": "off"}, "offered"),
        ({"derived": "perhaps"}, "offered"),
        ({"min_age_years": "old"}, "0 to 120"),
        ({"host": "here"}, "is no address"),
    ):
        answer = administrator.send("/title/new", "/title/set", **good | wrong)
        assert answer.status_code == 400 and why in answer.text and "kept" in answer.text


def test_a_title_is_bound_to_an_address_in_the_form_and_the_list_says_so(
    administrator, viewer, site_ledger
):
    sent = {"aet": "BOUND", "purpose": "", "stage": "live", "min_age_years": "", "derived": ""}
    administrator.send("/title/new", "/title/set", **sent, host=" 127.0.0.1 ")
    text = viewer.get("/peers").text
    assert "<td>127.0.0.1</td>" in text and "<td>every address</td>" in text
    assert "We listen at" in text
    administrator.send("/title/change?aet=BOUND", "/title/set", **sent, host="")
    assert own_titles.named(site_ledger, "BOUND").host is None
    administrator.send("/title/change?aet=BOUND", "/title/remove", aet="BOUND", sure="yes")


def test_a_program_does_the_same(origin, site_ledger):
    with program_of(origin, site_ledger, Right.ADMINISTRATOR) as client:
        wish = {"models": ["hip_vit"], "stage": "shadow", "min_age_years": 60}
        told = client.put("/titles/NIGHT", json=wish).json()
        assert (told["aet"], told["min_age_years"], told["purpose"]) == ("NIGHT", 60, "")
        assert client.put("/titles/NIGHT", json={"host": "not-here"}).status_code == 422
        assert client.put("/titles/NIGHT", json={"host": "127.0.0.1"}).json()["host"] == "127.0.0.1"
        assert [one["aet"] for one in client.get("/titles").json()] == ["OSTEOSCREEN", "NIGHT"]
        assert client.put("/titles/NIGHT", json={"models": ["best"]}).status_code == 422
        assert client.put("/titles/NIGHT", json={"stage": "off"}).status_code == 422
        peer = client.put("/peers/NIGHT", json={"host": "h", "port": 104})
        assert peer.status_code == 409 and "title of ours" in peer.json()["error"]
        client.put("/peers/CT7", json={"host": "h", "port": 104})
        assert client.put("/titles/CT7", json={}).status_code == 409
        assert client.delete("/titles/OSTEOSCREEN").status_code == 400
        assert client.delete("/titles/NIGHT").status_code == 204
        assert client.delete("/titles/NIGHT").status_code == 404
