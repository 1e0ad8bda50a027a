"""What the document of the JSON interface promises is held, whatever a stranger sends."""

import pytest
import schemathesis
from browsing import running_site
from calling import program, token_of
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth

from daemon import config, schema
from daemon.records.people_tables import Right

EXAMPLES = {GenerationMode.POSITIVE: 10, GenerationMode.NEGATIVE: 5}
"""Of each address; a nightly run may take a thousand."""

PROVEN_ELSEWHERE = [ignored_auth]
"""It asks twice more with each case: that each address is shut, test_api_walls shows."""


@pytest.fixture(scope="module")
def strange_site(tmp_path_factory, postgres_server):
    """A site of its own, for strangers leave strange peers and people behind.

    On PostgreSQL, which holds less than SQLite does: no NUL, and no text longer than its column.
    """
    with pytest.MonkeyPatch.context() as set_too:
        set_too.setenv("OSTEOSCREEN_DATABASE_URL", postgres_server.new_database())
        settings = config.load(tmp_path_factory.mktemp("strange") / "home")
    schema.migrate(settings)
    ledger = schema.ready_ledger(settings)
    with running_site(settings, ledger) as origin:
        yield origin, token_of(ledger, Right.ADMINISTRATOR)
    ledger.close()


@pytest.mark.parametrize("mode", EXAMPLES)
def test_whatever_a_stranger_sends_is_answered_as_the_document_says(strange_site, mode):
    origin, secret = strange_site
    document = schemathesis.openapi.from_url(f"{origin}/api/openapi.json")
    shown = {"Authorization": f"Bearer {secret}"}
    tried = 0

    def held(operation):
        @settings(
            max_examples=EXAMPLES[mode],
            phases=[Phase.generate],
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def answered(case):
            case.call_and_validate(
                base_url=f"{origin}/api", headers=shown, excluded_checks=PROVEN_ELSEWHERE
            )

        return answered

    for found in document.get_all_operations():
        held(found.ok())()
        tried += 1
    assert tried > 20


def test_what_no_database_holds_is_the_callers_mistake(strange_site):
    origin, secret = strange_site
    with program(origin, secret) as client:
        for path in (
            "/studies/%00",
            "/peers/%00",
            "/titles/%00",
            "/people/%00/link",
            "/peers/%0A",
            "/%0Apeers",
        ):
            answer = client.get(path)
            assert answer.status_code == answer.json()["status"] == 404
        assert client.get("/studies?uid=%00").status_code == 422
        for why in ("aaaaa\0", "\0" * 9):
            assert client.post("/parked/again", json={"why": why}).status_code == 422
        long = client.post("/people/" + "x" * 300 + "/link")
        assert long.status_code == 404
        assert client.get("/studies/" + "1" * 3000).status_code == 404
        assert client.delete("/peers/" + "x" * 17).status_code == 422
