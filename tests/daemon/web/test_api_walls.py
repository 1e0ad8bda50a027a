"""Every address of the JSON interface: as nobody and with each right, and as its document says."""

import httpx
import pytest
from calling import program, program_of
from fastapi.routing import APIRoute

from daemon.records.people_tables import Right
from daemon.web.api.document import PARTS

WALLS = {
    ("GET", "/me"): Right.VIEWER,
    ("GET", "/status"): Right.VIEWER,
    ("GET", "/metrics"): Right.VIEWER,
    ("GET", "/conformance"): Right.VIEWER,
    ("GET", "/retention"): Right.VIEWER,
    ("GET", "/peers"): Right.VIEWER,
    ("GET", "/refusals"): Right.VIEWER,
    ("GET", "/peers/{aet}"): Right.VIEWER,
    ("PUT", "/peers/{aet}"): Right.ADMINISTRATOR,
    ("DELETE", "/peers/{aet}"): Right.ADMINISTRATOR,
    ("POST", "/peers/{aet}/echo"): Right.OPERATOR,
    ("POST", "/peers/{aet}/resend"): Right.OPERATOR,
    ("GET", "/titles"): Right.VIEWER,
    ("PUT", "/titles/{aet}"): Right.ADMINISTRATOR,
    ("DELETE", "/titles/{aet}"): Right.ADMINISTRATOR,
    ("GET", "/studies"): Right.VIEWER,
    ("POST", "/studies/search"): Right.VIEWER,
    ("GET", "/studies/{study_uid}"): Right.VIEWER,
    ("GET", "/studies/{study_uid}/pictures/{object_uid}"): Right.VIEWER,
    ("POST", "/studies/{study_uid}/again"): Right.OPERATOR,
    ("POST", "/parked/again"): Right.OPERATOR,
    ("GET", "/deliveries/parked"): Right.VIEWER,
    ("POST", "/deliveries/again"): Right.OPERATOR,
    ("POST", "/studies/{study_uid}/send"): Right.OPERATOR,
    ("POST", "/studies/{study_uid}/retract"): Right.OPERATOR,
    ("GET", "/flow"): Right.VIEWER,
    ("POST", "/models/{model}/dry-run"): Right.VIEWER,
    ("POST", "/dry-run/rules"): Right.VIEWER,
    ("POST", "/dry-run/bands"): Right.VIEWER,
    ("GET", "/models"): Right.VIEWER,
    ("PUT", "/models/{model}/stage"): Right.ADMINISTRATOR,
    ("POST", "/models/{model}/reveal"): Right.ADMINISTRATOR,
    ("GET", "/people"): Right.ADMINISTRATOR,
    ("PUT", "/people/{name}"): Right.ADMINISTRATOR,
    ("DELETE", "/people/{name}"): Right.ADMINISTRATOR,
    ("POST", "/people/{name}/link"): Right.ADMINISTRATOR,
    ("GET", "/tokens"): Right.VIEWER,
    ("DELETE", "/tokens/{token_id}"): Right.VIEWER,
    ("GET", "/trail"): Right.ADMINISTRATOR,
    ("GET", "/trail/check"): Right.ADMINISTRATOR,
    ("GET", "/trail.csv"): Right.ADMINISTRATOR,
    ("GET", "/trail.xml"): Right.ADMINISTRATOR,
}
"""Who may, at least; an address that is not here is one that nobody thought about."""


@pytest.fixture(scope="module")
def document(origin):
    answer = httpx.get(f"{origin}/api/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def tried(client, wall):
    method, path = wall
    return client.request(method, path.format_map(dict.fromkeys(HOLES, "nobody")))


HOLES = "aet", "study_uid", "object_uid", "model", "name", "token_id"


def test_every_address_has_its_row_and_every_row_its_address(document):
    routes = [route for part in PARTS for route in part.router.routes]
    assert all(isinstance(route, APIRoute) for route in routes)
    known = {(method, route.path_format) for route in routes for method in route.methods}
    told = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    assert known == told == set(WALLS)


@pytest.mark.parametrize("wall", WALLS)
def test_without_a_good_token_nothing_is_told(origin, wall):
    for secret in ("", "osteoscreen_nobodys"):
        with program(origin, secret) as client:
            answer = tried(client, wall)
            assert answer.status_code == 401 and answer.json()["status"] == 401


@pytest.mark.parametrize("right", list(Right))
def test_each_right_opens_its_own_addresses_and_no_others(origin, site_ledger, right):
    with program_of(origin, site_ledger, right) as client:
        refused = {wall for wall in WALLS if tried(client, wall).status_code == 403}
    assert refused == {wall for wall in WALLS if not right.includes(WALLS[wall])}


def test_each_address_is_described_with_what_may_go_wrong(document):
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            assert len(told["description"]) > 20, (method, path)
            assert {"401", "403", "422", "503"} <= set(told["responses"]), (method, path)
            assert told["security"] == [{"token": []}]
    assert "not a diagnosis" in document["info"]["description"]
    assert "example" in str(document["components"]["schemas"]["PeerWish"])
