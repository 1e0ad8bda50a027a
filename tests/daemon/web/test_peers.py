"""Peers in forms: added, changed, asked, allowed and removed, each written down."""

import pytest
from peers import LOOPBACK, free_port
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from daemon.records import peers, refusals, trail

PACS = {"aet": "PACS", "host": LOOPBACK, "port": "104", "results": "flagged", "role": "clinical"}
PACS |= {"sr_class": "1.2.840.10008.5.1.4.1.1.88.33", "tls_named": "yes"}


@pytest.fixture
def known(administrator, site_ledger):
    """Return the title of a peer that was added by a form."""
    answer = administrator.send("/peer/new", "/peer/set", **PACS)
    if "already" not in answer.text:
        assert answer.url.path == "/peer"
    yield "PACS"
    peers.remove(site_ledger, "PACS")


def test_a_form_adds_the_peer_that_the_command_would(administrator, site_ledger, known):
    told = peers.told(peers.named(site_ledger, known))
    assert (told["host"], told["port"], told["sends"], told["results"]) == (
        LOOPBACK,
        104,
        False,
        "flagged",
    )
    assert (told["role"], told["tls"], told["tls_name"]) == ("clinical", False, True)
    row = trail.newest(site_ledger)[0]
    assert (row.person, row.action, row.subject) == ("a-administrator", "peer set", "PACS")
    assert "results flagged" in row.detail
    assert "flagged results" in administrator.get("/peers").text


def test_a_peer_is_changed_in_the_form_that_shows_it(administrator, site_ledger, known):
    page = administrator.get("/peer/change?aet=PACS").text
    assert 'value="104"' in page and "selected>those that are flagged" in page
    administrator.send("/peer/change?aet=PACS", "/peer/set", **PACS | {"port": "11112"})
    assert peers.named(site_ledger, known).port == 11112


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"aet": "A\\B"}, "AE title"),
        ({"aet": "SEVENTEEN-LETTERS"}, "AE title"),
        ({"aet": "OSTEOSCREEN"}, "title of ours"),
        ({"host": ""}, "at a host"),
        ({"host": "a b\r\nc"}, "a name or an address"),
        ({"port": "70000"}, "1 to 65535"),
        ({"port": "-1"}, "1 to 65535"),
        ({"results": "everything"}, "choose one"),
        ({"tls_fingerprint": "AB:CD"}, "openssl"),
    ],
)
def test_what_can_be_no_peer_is_said_in_the_form_with_all_that_was_typed(
    administrator, site_ledger, wrong, words
):
    before = len(peers.everyone(site_ledger))
    sent = PACS | {"aet": "NEW1"} | wrong
    answer = administrator.send("/peer/new", "/peer/set", **sent)
    assert answer.status_code in (400, 409) and words in answer.text
    assert f'value="{sent["port"]}"' in answer.text
    assert len(peers.everyone(site_ledger)) == before


def test_a_new_peer_takes_nobodys_place(administrator, known):
    answer = administrator.send("/peer/new", "/peer/set", **PACS)
    assert answer.status_code == 400 and "already" in answer.text


def test_a_peer_that_answers_is_said_to_hear_us(operator, site_ledger, known):
    ae = AE(ae_title="PACS")
    ae.add_supported_context(Verification)
    port = free_port()
    server = ae.start_server((LOOPBACK, port), block=False)
    peer = peers.named(site_ledger, known)
    peer.port = port
    peers.add(site_ledger, peer)
    answer = operator.send("/peer?aet=PACS", "/peer/echo")
    server.shutdown()
    assert "it hears us" in answer.text


def test_a_peer_that_is_not_there_is_said_not_to_answer(operator, site_ledger, known):
    peer = peers.named(site_ledger, known)
    peer.port = free_port()
    peers.add(site_ledger, peer)
    answer = operator.send("/peer?aet=PACS", "/peer/echo")
    assert answer.status_code == 200 and 'class="bad"' in answer.text
    assert f"{LOOPBACK}:{peer.port} does not answer" in answer.text


def test_a_stranger_who_was_refused_is_allowed_from_the_list(administrator, site_ledger):
    why = "peer CT <9> at 10.0.0.9 is not allowed to send: osteoscreen peers add CT <9> 10.0.0.9"
    refusals.write_down(site_ledger, "CT <9>", why)
    page = administrator.get("/peers").text
    assert "peer CT &lt;9&gt; at 10.0.0.9 is not allowed to send<" in page
    answer = administrator.get("/peer/new?aet=CT%20%3C9%3E&host=10.0.0.9")
    assert "/peer/new?aet=CT%20%3C9%3E&amp;host=10.0.0.9" in page
    assert (
        'value="CT &lt;9&gt;"' in answer.text and 'name="sends" value="yes" checked' in answer.text
    )
    sent = PACS | {"aet": "CT <9>", "host": "10.0.0.9", "results": "none", "sends": "yes"}
    assert administrator.send("/peer/new", "/peer/set", **sent).status_code == 200
    assert peers.named(site_ledger, "CT <9>").sends
    assert "Allow this peer" not in administrator.get("/peers").text
    peers.remove(site_ledger, "CT <9>")


def test_a_peer_goes_only_when_it_is_meant(administrator, site_ledger, known):
    answer = administrator.send("/peer?aet=PACS", "/peer/remove")
    assert "Tick the box" in answer.text and peers.named(site_ledger, known)
    assert administrator.send("/peer?aet=PACS", "/peer/remove", sure="yes").url.path == "/peers"
    assert peers.named(site_ledger, known) is None
    assert administrator.get("/peer?aet=PACS").status_code == 404


def test_a_viewer_is_offered_no_button_that_would_be_refused(viewer, known):
    text = viewer.get("/peer?aet=PACS").text + viewer.get("/peers").text
    assert "PACS" in text
    assert not any(action in text for action in ("/peer/echo", "/peer/remove", "/peer/new"))
