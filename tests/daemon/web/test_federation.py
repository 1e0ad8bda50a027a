"""Signing in through an identity provider: a real one, an honest one, and all the others."""

import time
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from browsing import Browser, person, running_site
from joserfc.jwk import OctKey, RSAKey
from peers import free_port
from provider import CLIENT, SECRET, running_provider

from daemon import config, schema
from daemon.errors import ConfigError
from daemon.invitations import link
from daemon.records import people, tokens, trail
from daemon.records.people_tables import Right
from daemon.records.tokens import Fresh
from daemon.web.provider import RETURN, _looked_up

ADA = {"sub": "u-1", "preferred_username": "ada", "groups": ["radiology", "cyclists"]}
RIGHTS = {"radiology": "viewer", "pacs": "administrator", "readers": "operator"}
WAY = "/sign-in/provider?next=/studies"


@pytest.fixture(scope="module")
def place():
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def running(place):
    with running_provider(place + RETURN) as provider:
        yield provider


@pytest.fixture(scope="module")
def federated(running, place, tmp_path_factory):
    """A site that knows the provider, and its ledger."""
    home = tmp_path_factory.mktemp("federated") / "home"
    home.mkdir()
    (home / config.FILE).write_text(
        f'web_address = "{place}"\noidc_issuer = "{running.issuer}"\n'
        f'oidc_client_id = "{CLIENT}"\noidc_client_secret = "{SECRET}"\n'
        "[oidc_rights]\n" + "".join(f'{group} = "{right}"\n' for group, right in RIGHTS.items())
    )
    settings = config.load(home)
    ledger = schema.ready_ledger(settings)
    with running_site(settings, ledger, urlsplit(place).port):
        yield settings, ledger
    ledger.close()


@pytest.fixture
def ledger(federated):
    return federated[1]


@pytest.fixture
def provider(running):
    running.user, running.tamper = dict(ADA), lambda token: token
    return running


@pytest.fixture
def browser(place, federated):
    return Browser(place)


def refusals(ledger):
    rows = [row for row in trail.newest(ledger) if row.action == "sign-in refused"]
    return [row.detail for row in rows]


def test_whom_the_provider_knows_comes_in_with_the_right_of_a_group(browser, provider, ledger):
    page = browser.get("/sign-in?next=/studies").text
    assert f'href="{WAY}"' in page.replace("%2F", "/")
    answer = browser.get(WAY)
    assert answer.url.path == "/studies" and "ada <small>viewer" in answer.text
    assert browser.get("/people").status_code == 403
    newest = [(row.action, row.person, row.detail) for row in trail.newest(ledger)][:2]
    assert newest[0] == ("sign-in", "ada", "through the identity provider")
    asked = provider.asked[-1]
    assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3


def test_a_right_follows_the_groups_at_the_next_sign_in_and_the_name_stays(
    browser, provider, ledger
):
    for groups, right in (
        (["readers", "radiology"], "operator"),
        ("pacs", "administrator"),
        (["radiology"], "viewer"),
    ):
        provider.user |= {"groups": groups, "preferred_username": "ada.married"}
        assert f"ada <small>{right}" in browser.get(WAY).text
    assert people.named(ledger, "ada.married") is None


def test_who_is_in_no_group_any_more_is_out_with_every_token(browser, provider, ledger):
    browser.get(WAY)
    tokens.make(ledger, Fresh("ada", "a program", Right.VIEWER, 1))
    for groups in ([], None, ["cyclists"], {"radiology": True}, 5):
        provider.user["groups"] = groups
        answer = Browser(browser.origin).get(WAY)
        assert answer.status_code == 403 and "none of your groups" in answer.text
    assert browser.get("/").url.path == "/sign-in"
    assert tokens.everyone(ledger, "ada") == []
    assert "none of your groups" in refusals(ledger)[0]


def test_nobody_takes_the_name_of_somebody_with_a_password(browser, provider, ledger):
    person(ledger, Right.ADMINISTRATOR, "eve")
    provider.user = {"sub": "u-2", "preferred_username": "eve", "groups": ["pacs"]}
    answer = browser.get(WAY)
    assert answer.status_code == 403 and "somebody else here has your name" in answer.text
    assert people.named(ledger, "eve").federated is None


@pytest.mark.parametrize("name", ["", "<b>", "a b", "x" * 65, None])
def test_a_name_that_can_be_nobodys_here_is_refused(browser, provider, name):
    provider.user |= {"sub": "u-3", "preferred_username": name}
    answer = browser.get(WAY)
    assert answer.status_code == 403 and "your name there can be none here" in answer.text


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "http://evil.example"},
        {"aud": ["another"]},
        {"aud": ["another", CLIENT], "azp": "another"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"iat": int(time.time()) + 3600},
        {"sub": None},
        {"at_hash": "of another access token"},
    ],
)
def test_an_id_token_that_was_not_made_for_this_sign_in_lets_nobody_in(
    browser, provider, ledger, changed
):
    provider.falsified(**changed)
    answer = browser.get(WAY)
    assert answer.status_code == 403 and "ID token does not hold" in answer.text
    assert browser.get("/").url.path == "/sign-in"
    assert "ID token does not hold" in refusals(ledger)[0]


def test_an_id_token_that_the_provider_did_not_sign_lets_nobody_in(browser, provider):
    claims = {**ADA, "iss": provider.issuer, "aud": CLIENT, "iat": int(time.time())}
    claims["exp"] = claims["iat"] + 60
    other = RSAKey.generate_key(2048)
    own = OctKey.import_key(SECRET * 3)
    for forged in (
        provider.signed(claims, other),
        provider.signed(claims, own, "HS256"),
        provider.signed(claims).rpartition(".")[0] + ".",
        "eyJhbGciOiJub25lIn0." + provider.signed(claims).split(".")[1] + ".",
        "nonsense",
    ):
        provider.tamper = lambda _, forged=forged: forged
        answer = browser.get(WAY)
        assert answer.status_code == 403 and "ID token does not hold" in answer.text


def sent_there(browser):
    """Follow the way to the provider as far as the page where it sends the browser back to."""
    to_provider = browser.client.get(WAY, follow_redirects=False)
    back = httpx.get(to_provider.headers["location"])
    assert back.status_code == 302
    return back.headers["location"]


def test_an_answer_to_another_browser_or_a_second_time_lets_nobody_in(browser, provider, ledger):
    back = sent_there(browser)
    rows = trail.count(ledger)
    stranger = Browser(browser.origin)
    assert "not begun in this browser" in stranger.get(back).text
    stranger.client.get(WAY, follow_redirects=False)
    assert "not begun in this browser" in stranger.get(back).text
    state = dict(parse_qsl(urlsplit(back).query))["state"]
    for odd in ("", "?code=x", "?code=x&state=", "?code=x&state=%C3%A9"):
        assert "not begun in this browser" in browser.get(RETURN + odd).text
    # whoever has no cookie of ours writes nothing into the trail
    assert trail.count(ledger) == rows
    assert "another provider" in browser.get(back + "&iss=http://evil.example").text
    assert "said no" in browser.get(f"{RETURN}?error=access_denied&state={state}").text
    assert browser.get(back).url.path == "/studies"
    assert "not begun in this browser" in browser.get(back).text


def test_a_code_is_worth_nothing_without_the_verifier_of_its_browser(browser, provider):
    stolen = dict(parse_qsl(urlsplit(sent_there(Browser(browser.origin))).query))["code"]
    own = dict(parse_qsl(urlsplit(sent_there(browser)).query))["state"]
    answer = browser.get(f"{RETURN}?code={stolen}&state={own}")
    assert answer.status_code == 403 and "does not answer as it should" in answer.text


def test_after_signing_in_nobody_is_sent_to_another_site(browser, provider):
    for elsewhere in ("https://evil.example", "//evil.example", "/%5Cevil.example"):
        answer = browser.get(f"/sign-in/provider?next={elsewhere}")
        assert answer.url.path == "/" and str(answer.url).startswith(browser.origin)


def test_who_signs_in_elsewhere_gets_no_password_here(browser, provider, federated):
    settings, ledger = federated
    provider.user |= {"sub": "u-4", "preferred_username": "boss", "groups": ["pacs"]}
    page = browser.get(WAY.replace("studies", "people"))
    assert "through the identity provider" in page.text
    form = browser.hidden(page.text, "/sign-out") | {"name": "boss"}
    assert browser.client.post("/people/link", data=form).status_code == 400
    with pytest.raises(ConfigError, match="through the identity provider"):
        link(settings, ledger, "boss")
    assert people.has_administrator(ledger)


def test_a_provider_that_is_away_or_another_is_said_to_be(browser, provider, monkeypatch):
    monkeypatch.setattr(provider, "issuer", "http://127.0.0.1:1")
    answer = browser.get(WAY)
    assert answer.status_code == 403 and "another name than oidc_issuer" in answer.text
    monkeypatch.setattr(provider, "answer", lambda *_: (500, "no JSON", []))
    assert "does not answer as it should" in browser.get(WAY).text


def test_a_site_without_a_provider_offers_none(origin):
    browser = Browser(origin)
    assert "/sign-in/provider" not in browser.get("/sign-in").text
    assert browser.get("/sign-in/provider").status_code == 404
    assert browser.get(RETURN).status_code == 404


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"OIDC_ISSUER": "http://provider.example"}, "oidc_issuer"),
        ({"OIDC_ISSUER": "provider"}, "oidc_issuer"),
        ({"WEB_ADDRESS": "http://site.example"}, "web_address"),
        ({"WEB_ADDRESS": ""}, "web_address"),
        ({"OIDC_CLIENT_ID": ""}, "oidc_client_id"),
        ({"OIDC_RIGHTS": "{}"}, "oidc_rights"),
        ({"OIDC_RIGHTS": '{"g": "king"}'}, "oidc_rights"),
    ],
)
def test_half_a_provider_is_refused_at_the_start(tmp_path, monkeypatch, changed, named):
    whole = {
        "OIDC_ISSUER": "https://provider.example",
        "OIDC_CLIENT_ID": "us",
        "OIDC_RIGHTS": '{"g": "viewer"}',
        "WEB_ADDRESS": "https://site.example",
    }
    for key, value in whole.items():
        monkeypatch.setenv(f"OSTEOSCREEN_{key}", value)
    assert config.load(tmp_path).oidc_rights == {"g": "viewer"}
    for key, value in changed.items():
        monkeypatch.setenv(f"OSTEOSCREEN_{key}", value)
    with pytest.raises(ConfigError, match=named):
        config.load(tmp_path)


def test_a_claim_may_stand_inside_another_or_have_dots_in_its_name():
    claims = {"realm_access": {"roles": ["pacs"]}, "https://x.org/roles": ["readers"]}
    assert _looked_up(claims, "realm_access.roles") == ["pacs"]
    assert _looked_up(claims, "https://x.org/roles") == ["readers"]
    assert {_looked_up(claims, one) for one in ("realm_access.none", "none", "none.roles")} == {
        None
    }
