"""One listener at several addresses, and titles that are answered at one of them alone."""

import socket
from dataclasses import replace

import pytest
from listening import ListenerHere
from peers import free_port, wait_for

from daemon import binding, checks, config, scu, titles
from daemon.errors import ConfigError, DeliveryError
from daemon.networks import read_hosts

FIRST, SECOND, SIX = "127.0.0.1", "127.0.0.2", "::1"


def at(ours, host, called="OSTEOSCREEN"):
    return replace(ours.address(called=called), host=host)


def title(host, aet="TRIAL"):
    made = titles.blank(aet)
    made.host = host
    return made


@pytest.fixture(params=["true", "false"])
def ours(request, tmp_path, monkeypatch):
    hosts = ",".join((FIRST, SECOND, SIX))
    ours = ListenerHere(tmp_path, monkeypatch, straight_path=request.param, host=hosts)
    yield ours
    ours.stop()


def test_every_address_is_answered_and_a_bound_title_at_its_own_alone(ours):
    titles.put(ours.settings, ours.ledger, title(SECOND))
    titles.put(ours.settings, ours.ledger, title(SIX, "SIX"))
    for host in (FIRST, SECOND, SIX):
        scu.echo(at(ours, host))
    wait_for("one title", lambda: ours.hears(at(ours, SECOND, "TRIAL")))
    wait_for("the other", lambda: ours.hears(at(ours, SIX, "SIX")))
    for host, called, answered in (
        (FIRST, "TRIAL", SECOND),
        (SIX, "TRIAL", SECOND),
        (SECOND, "SIX", SIX),
    ):
        with pytest.raises(DeliveryError, match=r"[Cc]alled"):
            scu.echo(at(ours, host, called))
        why = f"peer CR1 called {called} at {host}, which is answered at {answered}"
        wait_for("the refusal to be told", lambda why=why: why in ours.refusals())
    titles.put(ours.settings, ours.ledger, title(None))
    wait_for("the title everywhere", lambda: ours.hears(at(ours, FIRST, "TRIAL")))


def test_our_own_title_may_be_bound_and_push_still_reaches_us(ours):
    titles.put(ours.settings, ours.ledger, title(SECOND, "OSTEOSCREEN"))
    wait_for("the rule", lambda: not ours.hears(at(ours, FIRST)))
    scu.echo(scu.ourselves(ours.settings))
    scu.echo(at(ours, SECOND))


@pytest.mark.parametrize(
    ("host", "why"),
    [("10.1.2.3", "we do not listen at 10.1.2.3"), ("elsewhere", "is no address")],
)
def test_a_title_at_an_address_where_nobody_listens_is_refused(ours, host, why):
    with pytest.raises(ConfigError, match=why):
        titles.put(ours.settings, ours.ledger, title(host))


@pytest.mark.parametrize("text", ["", "10.0.0.5,10.0.0.5", "0.0.0.0,10.0.0.5", "::,::1"])
def test_addresses_that_cannot_be_meant_are_refused(text):
    with pytest.raises(ValueError, match="address"):
        read_hosts(text)


def test_all_of_one_kind_may_stand_beside_one_of_the_other():
    assert read_hosts("0.0.0.0, ::1") == ("0.0.0.0", "::1")
    assert read_hosts("::,10.0.0.5") == ("::", "10.0.0.5")


def told(found, what):
    return {one.words: one.state for one in found if one.what == what}


def test_check_says_of_each_address_what_keeps_it_from_being_bound(tmp_path, monkeypatch):
    monkeypatch.setenv("OSTEOSCREEN_HOST", f"{FIRST},{SECOND},192.0.2.1")
    monkeypatch.setenv("OSTEOSCREEN_PORT", str(free_port()))
    settings = config.load(tmp_path)
    found = told(checks.run(settings), "listener")
    assert found == {
        f"OSTEOSCREEN at {FIRST}:{settings.port} is free: nothing listens yet": "ok",
        f"OSTEOSCREEN at {SECOND}:{settings.port} is free: nothing listens yet": "ok",
        f"cannot listen at 192.0.2.1:{settings.port}: "
        "this host has no such address (setting 'host')": "fail",
    }


def test_check_tells_of_another_program_and_of_a_title_that_nobody_can_call(ours):
    titles.put(ours.settings, ours.ledger, title(SECOND))
    found = checks.run(ours.settings)
    assert list(told(found, "listener").values()) == ["ok"] * 3
    assert told(found, "title TRIAL") == {}
    less = ours.settings.model_copy(update={"host": FIRST})
    assert set(told(checks.run(less), "title TRIAL").values()) == {"warn"}


def test_a_start_that_cannot_bind_one_address_names_it_and_lets_go_of_the_others(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("OSTEOSCREEN_HOST", f"{FIRST},192.0.2.1")
    settings, port = config.load(tmp_path), free_port()
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1:\d+: this host has no such address"):
        binding.open_sockets(settings, port)
    with (
        pytest.raises(ConfigError, match=r"another program does"),
        socket.create_server((FIRST, port)),
    ):
        binding.open_sockets(settings, port)
