"""Tokens: shown once, no more than their person may, and dead when they should be."""

import re
from datetime import timedelta

import pytest
from browsing import Browser, person, signed_in
from calling import program, token_of
from sqlalchemy import update

from daemon.records import people, tokens, trail
from daemon.records.ledger import now
from daemon.records.people_tables import Right, Token

ASKED = {"label": "nightly report", "right": "viewer", "days": "7"}


def made(browser, **fields):
    text = browser.send("/tokens", "/tokens/make", **ASKED | fields).text
    return re.search(r"osteoscreen_[\w-]{43}", text)[0]


def test_a_token_is_shown_once_and_kept_as_its_hash_alone(operator, origin, site_ledger):
    secret = made(operator)
    assert secret not in operator.get("/tokens").text
    [kept] = [one for one in tokens.everyone(site_ledger) if one.label == "nightly report"]
    assert kept.key == people.key_of(secret) and kept.used_at is None
    told = program(origin, secret).get("/me").json()
    assert told == {"person": "a-operator", "right": "viewer", "token": kept.id}
    [used] = [one for one in tokens.everyone(site_ledger) if one.key == kept.key]
    assert used.used_at is not None
    newest = trail.newest(site_ledger)[0]
    assert (newest.subject, newest.detail) == (kept.id, "nightly report, viewer, 7 days")


@pytest.mark.parametrize(
    "wrong", [{"right": "administrator"}, {"right": "x"}, {"days": "0"}, {"days": "9" * 99}]
)
def test_nobody_gives_a_token_more_than_is_ones_own_or_for_ever(operator, site_ledger, wrong):
    before = len(tokens.everyone(site_ledger))
    answer = operator.send("/tokens", "/tokens/make", **ASKED | wrong)
    assert answer.status_code == 400 and len(tokens.everyone(site_ledger)) == before


def test_a_token_shrinks_and_goes_with_its_person(origin, site_ledger):
    secret = token_of(site_ledger, Right.ADMINISTRATOR, "shrinking")
    with program(origin, secret) as client:
        assert client.get("/people").status_code == 200
        people.put(site_ledger, "shrinking", Right.VIEWER)
        assert client.get("/people").status_code == 403
        people.remove(site_ledger, "shrinking")
        assert client.get("/me").status_code == 401


def test_a_token_that_has_ended_opens_nothing(origin, site_ledger):
    secret = token_of(site_ledger, Right.VIEWER, "ended")
    with site_ledger.write() as session:
        mine = update(Token).where(Token.key == people.key_of(secret))
        session.execute(mine.values(expires_at=now() - timedelta(seconds=1)))
    assert program(origin, secret).get("/me").status_code == 401


def test_ones_own_are_revoked_at_once_and_others_by_an_administrator_alone(
    origin, site_ledger, administrator
):
    secret = token_of(site_ledger, Right.VIEWER, "revoking")
    token = tokens.everyone(site_ledger, "revoking")[0].id
    other = Browser(origin)
    other.sign_in(person(site_ledger, Right.OPERATOR, "another"))
    assert token not in other.get("/tokens").text
    form = other.hidden(other.get("/tokens").text, "/tokens/make") | {"id": token}
    assert other.client.post("/tokens/revoke", data=form).status_code == 404
    with program(origin, secret) as client:
        assert [one["id"] for one in client.get("/tokens").json()] == [token]
        assert token in administrator.get("/tokens").text
        form = administrator.hidden(administrator.get("/tokens").text, "/tokens/make")
        administrator.client.post("/tokens/revoke", data=form | {"id": token})
        assert client.get("/me").status_code == 401


def test_a_program_can_revoke_its_own_token_and_make_none(origin, site_ledger):
    with program(origin, token_of(site_ledger, Right.ADMINISTRATOR, "leaving")) as client:
        token = client.get("/me").json()["token"]
        assert client.post("/tokens", json=ASKED).status_code == 405
        assert client.delete(f"/tokens/{token}").status_code == 204
        assert client.get("/me").status_code == 401


def test_a_cookie_opens_nothing_and_a_token_no_page(origin, site_ledger):
    visitor = signed_in(origin, site_ledger, Right.ADMINISTRATOR)
    assert visitor.get("/api/me").status_code == 401
    key = visitor.key()
    sent = visitor.client.post("/api/parked/again", json={"why": "because", "form_key": key})
    assert sent.status_code == 401
    secret = token_of(site_ledger, Right.ADMINISTRATOR, "paging")
    shown = {"Authorization": f"Bearer {secret}"}
    with Browser(origin).client as client:
        assert client.get("/people", headers=shown).url.path == "/sign-in"
        for odd in ("x", "osteoscreen_", "x" * 5000, "é"):
            answer = client.get("/api/me", headers={"Authorization": f"Bearer {odd}".encode()})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
