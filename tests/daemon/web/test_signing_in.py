"""Getting in, and being kept out: links, passwords, lock-out, visits and their ends."""

from datetime import timedelta

import httpx
import pytest
from browsing import PASSWORD, Browser, person, running_site, signed_in
from sqlalchemy import update

from daemon import config, invitations, schema
from daemon.errors import ConfigError
from daemon.records import people, trail, visits
from daemon.records.ledger import now
from daemon.records.people_tables import Person, Right, Visit
from daemon.web import passwords

COOKIE = "osteoscreen-visit"


def test_the_first_administrator_follows_a_link_once_and_is_in(tmp_path):
    settings = config.load(tmp_path)
    ledger = schema.ready_ledger(settings)
    link = invitations.first_administrator(settings, ledger)
    path = link.removeprefix(invitations.origin(settings))
    with running_site(settings, ledger) as origin:
        browser = Browser(origin)
        assert "12 characters" in browser.send(path, path, password="short", again="short").text
        assert "not the same" in browser.send(path, path, password=PASSWORD, again="x").text
        set_it = browser.send(path, path, password=PASSWORD, again=PASSWORD)
        assert set_it.url.path == "/sign-in"
        assert browser.get(path).status_code == 404
        answer = browser.sign_in("admin")
        assert answer.url.path == "/" and "Sign out" in answer.text
    assert people.named(ledger, "admin").right == "administrator"
    assert invitations.first_administrator(settings, ledger) is None
    ledger.close()


def test_a_link_that_is_a_day_old_opens_nothing(site_ledger, browser, monkeypatch):
    name = person(site_ledger, Right.VIEWER, "late")
    monkeypatch.setattr(people, "LINK_HOLDS", timedelta(seconds=-1))
    secret = people.invite(site_ledger, name)
    assert browser.get(f"/welcome/{secret}").status_code == 404
    assert people.set_password(site_ledger, secret, "x") is None


def test_a_new_password_ends_the_visits_begun_with_the_old_one(origin, site_ledger):
    browser = Browser(origin)
    name = person(site_ledger, Right.VIEWER, "forgetful")
    browser.sign_in(name)
    assert browser.get("/").url.path == "/"
    person(site_ledger, Right.VIEWER, name)
    assert browser.get("/").url.path == "/sign-in"


def test_five_wrong_passwords_lock_even_the_right_one_out_until_an_hour_later(origin, site_ledger):
    browser, name = Browser(origin), person(site_ledger, Right.VIEWER, "locked")
    answers = [browser.sign_in(name, "wrong, wrong, wrong") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {403}
    assert browser.sign_in(name).status_code == 403
    with site_ledger.write() as session:
        past = update(Person).where(Person.name == name).values(locked_until=now())
        session.execute(past)
    assert browser.sign_in(name).status_code == 200


def test_a_name_that_nobody_has_is_answered_like_a_wrong_password(origin, site_ledger):
    name = person(site_ledger, Right.VIEWER, "somebody")
    browser = Browser(origin)
    pages = [browser.sign_in(one, "wrong, wrong, wrong").text for one in (name, "nobody")]
    assert "wrong" in pages[0] and pages[0] == pages[1]


def test_a_visit_begins_under_a_new_secret_and_the_one_before_it_is_dead(origin, site_ledger):
    browser, name = Browser(origin), person(site_ledger, Right.VIEWER, "fixed")
    planted = "planted-by-somebody-else"
    browser.client.cookies.set(COOKIE, planted, domain="127.0.0.1", path="/")
    browser.sign_in(name)
    first = [one.value for one in browser.client.cookies.jar if one.name == COOKIE]
    assert planted not in first[-1:]
    limits = visits.Limits(timedelta(hours=1), timedelta(hours=1))
    assert visits.visitor(site_ledger, planted, limits) is None
    with httpx.Client(base_url=origin, cookies={COOKIE: planted}) as other:
        assert other.get("/").status_code == 303


def test_signing_out_makes_a_copied_cookie_worthless(origin, site_ledger):
    browser = signed_in(origin, site_ledger, Right.VIEWER)
    copied = browser.client.cookies[COOKIE]
    browser.send("/", "/sign-out")
    with httpx.Client(base_url=origin, cookies={COOKIE: copied}) as other:
        assert other.get("/").status_code == 303


@pytest.mark.parametrize(
    ("column", "limit"), [("seen_at", "web_idle_s"), ("begun_at", "web_visit_s")]
)
def test_a_visit_ends_unused_and_ends_however_busy(
    origin, site_settings, site_ledger, column, limit
):
    browser = signed_in(origin, site_ledger, Right.VIEWER)
    long_ago = now() - timedelta(seconds=getattr(site_settings, limit) + 1)
    with site_ledger.write() as session:
        session.execute(update(Visit).values({column: long_ago}))
    assert browser.get("/").url.path == "/sign-in"


def test_a_secret_is_kept_as_its_hash_alone(site_ledger):
    name = person(site_ledger, Right.VIEWER, "hashed")
    kept = people.named(site_ledger, name).password_hash
    assert kept.startswith("$argon2id$") and PASSWORD not in kept
    limits = visits.Limits(timedelta(hours=1), timedelta(hours=1))
    secret = visits.begin(site_ledger, name, limits)
    with site_ledger.read() as session:
        assert session.get(Visit, secret) is None
        assert session.get(Visit, people.key_of(secret)).person == name


def test_no_password_opens_an_account_without_one():
    assert not passwords.is_right("", None)
    assert not passwords.is_right("nobody has this password", None)
    assert not passwords.is_right("anything", "not a hash")


def test_signing_in_is_written_down_and_so_is_being_refused(origin, site_ledger):
    browser, name = Browser(origin), person(site_ledger, Right.VIEWER, "written")
    browser.sign_in(name, "wrong, wrong, wrong")
    browser.sign_in(name)
    told = [(row.action, row.address) for row in trail.newest(site_ledger) if row.person == name]
    assert told == [("sign-in", "127.0.0.1"), ("sign-in refused", "127.0.0.1")]


def test_a_link_from_the_server_keeps_a_right_or_gives_the_one_asked_for(tmp_path):
    settings = config.load(tmp_path)
    ledger = schema.ready_ledger(settings)
    rights = []
    for name, right in (("ada", None), ("ada", Right.OPERATOR), ("ada", None), ("bob", None)):
        invitations.link(settings, ledger, name, right)
        rights.append(people.named(ledger, name).right)
    assert rights == ["administrator", "operator", "operator", "administrator"]
    with pytest.raises(ConfigError, match="letters"):
        invitations.link(settings, ledger, "<b>")
    ledger.close()
