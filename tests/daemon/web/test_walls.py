"""Every route from outside: as nobody, viewer, operator and administrator, and as an attacker."""

import httpx
import pytest
from browsing import PASSWORD, Browser, person
from fastapi.routing import APIRoute
from peers import wait_for

from daemon.records.people_tables import Right
from daemon.web.app import PARTS, make_inner_app
from daemon.web.guard import own_path
from daemon.web.shield import FORM

EVERYBODY = None
WALLS = {
    ("GET", "/health"): EVERYBODY,
    ("GET", "/sign-in"): EVERYBODY,
    ("POST", "/sign-in"): EVERYBODY,
    ("GET", "/sign-in/provider"): EVERYBODY,
    ("GET", "/sign-in/return"): EVERYBODY,
    ("GET", "/welcome/{secret}"): EVERYBODY,
    ("POST", "/welcome/{secret}"): EVERYBODY,
    ("POST", "/language"): EVERYBODY,
    ("POST", "/sign-out"): Right.VIEWER,
    ("POST", "/names"): Right.VIEWER,
    ("GET", "/"): Right.VIEWER,
    ("GET", "/peers"): Right.VIEWER,
    ("GET", "/peer"): Right.VIEWER,
    ("GET", "/studies"): Right.VIEWER,
    ("POST", "/studies"): Right.VIEWER,
    ("GET", "/study"): Right.VIEWER,
    ("GET", "/study/picture"): Right.VIEWER,
    ("POST", "/study/again"): Right.OPERATOR,
    ("POST", "/study/send"): Right.OPERATOR,
    ("POST", "/study/retract"): Right.OPERATOR,
    ("GET", "/deliveries"): Right.VIEWER,
    ("GET", "/flow"): Right.VIEWER,
    ("GET", "/dry-run"): Right.VIEWER,
    ("POST", "/deliveries/again"): Right.OPERATOR,
    ("GET", "/models"): Right.VIEWER,
    ("POST", "/models/stage"): Right.ADMINISTRATOR,
    ("POST", "/models/reveal"): Right.ADMINISTRATOR,
    ("GET", "/models/report"): Right.VIEWER,
    ("GET", "/people"): Right.ADMINISTRATOR,
    ("POST", "/people/set"): Right.ADMINISTRATOR,
    ("POST", "/people/link"): Right.ADMINISTRATOR,
    ("POST", "/people/remove"): Right.ADMINISTRATOR,
    ("GET", "/tokens"): Right.VIEWER,
    ("POST", "/tokens/make"): Right.VIEWER,
    ("POST", "/tokens/revoke"): Right.VIEWER,
    ("GET", "/trail"): Right.ADMINISTRATOR,
    ("GET", "/trail.csv"): Right.ADMINISTRATOR,
    ("GET", "/trail.xml"): Right.ADMINISTRATOR,
    ("POST", "/peer/echo"): Right.OPERATOR,
    ("POST", "/peer/resend"): Right.OPERATOR,
    ("GET", "/title/new"): Right.ADMINISTRATOR,
    ("GET", "/title/change"): Right.ADMINISTRATOR,
    ("POST", "/title/set"): Right.ADMINISTRATOR,
    ("POST", "/title/remove"): Right.ADMINISTRATOR,
    ("GET", "/peer/new"): Right.ADMINISTRATOR,
    ("GET", "/peer/change"): Right.ADMINISTRATOR,
    ("POST", "/peer/set"): Right.ADMINISTRATOR,
    ("POST", "/peer/remove"): Right.ADMINISTRATOR,
}
"""Who may, at least; a route that is not here is a route nobody thought about."""

LAST = {("POST", "/sign-out"): 1}
"""Tried after the others: it ends the visit."""
PLACES = {"{aet}": "CT1", "{secret}": "no-such-link", "{study_uid}": "1.2.3", "{name}": "nobody"}


ASKED = {"aet": "CT1", "uid": "1.2.3", "made_uid": "1.2.4"}


def routes(app):
    found = [*app.routes, *(route for part in PARTS for route in part.router.routes)]
    for route in found:
        if isinstance(route, APIRoute):
            yield from ((method, route.path) for method in route.methods)


def tried(browser, wall, key=""):
    method, path = wall
    for hole, filling in PLACES.items():
        path = path.replace(hole, filling)
    data = {"form_key": key} if method == "POST" else None
    return browser.client.request(method, path, data=data, params=ASKED, follow_redirects=False)


def test_every_route_has_its_row_and_every_row_its_route(site_settings, site_ledger):
    assert set(routes(make_inner_app(site_settings, site_ledger))) == set(WALLS)


def test_nobody_gets_past_the_sign_in(browser):
    inside = {wall for wall, least in WALLS.items() if least}
    answers = {wall: tried(browser, wall) for wall in inside}
    sent_on = {wall for wall, answer in answers.items() if answer.status_code == 303}
    assert sent_on == {wall for wall in inside if wall[0] == "GET"}
    assert all(answers[wall].headers["location"].startswith("/sign-in?next=/") for wall in sent_on)
    assert {answers[wall].status_code for wall in inside - sent_on} <= {401, 403}


@pytest.mark.parametrize("right", list(Right))
def test_each_right_opens_its_own_routes_and_no_others(origin, site_ledger, right):
    browser = Browser(origin)
    browser.sign_in(person(site_ledger, right, f"walled-{right}"))
    key = browser.key()
    inside = sorted((wall for wall in WALLS if WALLS[wall]), key=lambda wall: LAST.get(wall, 0))
    refused = {wall for wall in inside if tried(browser, wall, key).status_code == 403}
    assert refused == {wall for wall in inside if not right.includes(WALLS[wall])}


def test_a_form_without_its_key_or_with_another_visitors_does_nothing(origin, site_ledger):
    browser, other = Browser(origin), Browser(origin)
    for number, one in enumerate((browser, other)):
        one.sign_in(person(site_ledger, Right.ADMINISTRATOR, f"forger{number}"))
    for wall in (wall for wall in WALLS if wall[0] == "POST" and WALLS[wall]):
        for key in ("", "x", "é", other.key()):
            answer = tried(browser, wall, key)
            assert answer.status_code == 403 and "expired" in answer.text
    assert "Sign out" in browser.get("/").text


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}],
)
def test_a_form_sent_from_another_site_does_nothing_even_with_its_key(viewer, headers):
    answer = viewer.client.post("/sign-out", data={"form_key": viewer.key()}, headers=headers)
    assert answer.status_code == 403 and "another site" in answer.text


def test_the_sign_in_form_itself_is_bound_to_the_browser_it_was_shown_to(origin, site_ledger):
    name, shown, other = (
        person(site_ledger, Right.VIEWER, "lured"),
        Browser(origin),
        Browser(origin),
    )
    key = shown.hidden(shown.get("/sign-in").text, "/sign-in")["form_key"]
    other.get("/sign-in")
    answer = other.client.post("/sign-in", data={"form_key": key, "name": name})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/%0d%0aSet-Cookie:x",
        "/a\r\nSet-Cookie: x=1",
        "",
        "evil",
        "/\t/evil.example",
    ],
)
def test_after_signing_in_nobody_is_sent_to_another_site(origin, site_ledger, elsewhere):
    name = person(site_ledger, Right.VIEWER, "sent-on")
    with httpx.Client(base_url=origin, timeout=60) as client:
        page = client.get("/sign-in", params={"next": elsewhere}).text
        sent = Browser(origin).hidden(page, "/sign-in")
        answer = client.post(
            "/sign-in", data=sent | {"next": elsewhere, "name": name, "password": PASSWORD}
        )
    assert answer.status_code == 303
    assert answer.headers["location"] in ("/", "/%0d%0aSet-Cookie:x", "/%250d%250aSet-Cookie:x")
    assert answer.headers.get_list("set-cookie")[0].startswith("osteoscreen-")


def test_only_a_plain_path_of_ours_is_gone_to():
    assert own_path("/studies?state=parked") == "/studies?state=parked"
    assert {own_path(one) for one in ("//x", "/\\x", "http://x", "x", "", "/\nx", "/é")} == {"/"}


@pytest.mark.parametrize(
    "path",
    [
        "/static/../guard.py",
        "/static/%2e%2e/guard.py",
        "/static/..%2fguard.py",
        "/static/%2e%2e%2f%2e%2e%2f%2e%2e%2fsetup.cfg",
        "/static//etc/passwd",
        "/static/",
    ],
)
def test_no_path_leads_out_of_the_static_files(origin, path):
    with httpx.Client() as client:
        request = client.build_request("GET", origin)
        request.url = request.url.copy_with(raw_path=path.encode())
        assert client.send(request).status_code == 404


@pytest.mark.parametrize(
    ("method", "more", "status"),
    [
        ("PUT", {}, 405),
        ("POST", {"content": b"x" * (65 << 10), "headers": {"Content-Type": FORM}}, 413),
        ("POST", {"content": b"{}", "headers": {"Content-Type": "application/json"}}, 415),
        ("POST", {"files": {"file": b"x"}}, 415),
        ("POST", {"content": iter([b"x"]), "headers": {"Content-Type": FORM}}, 411),
        ("POST", {"content": b"\xff=%ff", "headers": {"Content-Type": FORM}}, 400),
        ("POST", {"content": b"a=1&" * 999, "headers": {"Content-Type": FORM}}, 400),
    ],
)
def test_what_no_form_of_ours_sends_is_refused_before_it_is_read(browser, method, more, status):
    browser.get("/sign-in")
    assert browser.client.request(method, "/sign-in", **more).status_code == status


def test_every_answer_forbids_scripts_frames_sniffing_and_keeping(viewer):
    for path in ("/", "/sign-in", "/nowhere", "/health", "/static/site.css"):
        answer = viewer.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "script-src" not in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "no-store" in answer.headers["cache-control"]
        assert "server" not in answer.headers


def test_no_page_carries_script_or_style_of_its_own(viewer):
    for path in (path for method, path in WALLS if method == "GET" and "{" not in path):
        text = viewer.get(path).text.lower()
        assert "<script" not in text and "style=" not in text and "<style" not in text
        assert " onclick" not in text and "javascript:" not in text


def test_the_cookie_is_kept_from_scripts_and_other_sites(origin, site_ledger):
    name = person(site_ledger, Right.VIEWER, "cookied")
    answer = Browser(origin).sign_in(name)
    cookie = next(
        line for line in answer.history[-1].headers.get_list("set-cookie") if "visit=" in line
    )
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


def test_a_page_that_fails_says_so_without_a_word_of_what_failed(viewer, monkeypatch, caplog):
    def fails(*_):
        raise ValueError("DOE^JANE")

    monkeypatch.setattr("daemon.web.overview.numbers_now", fails)
    answer = viewer.get("/")
    assert answer.status_code == 500 and "default-src" in str(answer.headers)
    assert "JANE" not in answer.text + caplog.text
    wait_for("the log", lambda: "event=page-failed" in caplog.text)
    assert "JANE" not in caplog.text
