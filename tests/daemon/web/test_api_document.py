"""What the document of the JSON interface promises is held, whatever a stranger sends."""

import pytest
import schemathesis
from browsing import running_site
from calling import token_of
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from daemon import config, schema
from daemon.records.people_tables import Right

EXAMPLES = {GenerationMode.POSITIVE: 10, GenerationMode.NEGATIVE: 5}
"""Of each address; a nightly run may take a thousand."""


@pytest.fixture(scope="module")
def strange_site(tmp_path_factory):
    """A site of its own, for strangers leave strange peers and people behind."""
    settings = config.load(tmp_path_factory.mktemp("strange") / "home")
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
            case.call_and_validate(base_url=f"{origin}/api", headers=shown)

        return answered

    for found in document.get_all_operations():
        held(found.ok())()
        tried += 1
    assert tried > 20
