"""What needs a person, in plain words, the worst first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from daemon.disk import Door
from daemon.records.tables import Peer, Stage, Wants
from daemon.said import Said


def peer_path(aet: str) -> str:
    """Return where a peer is shown; its title may hold anything that is printed."""
    return f"/peer?aet={quote(aet, safe='')}"


STUCK_S = 3600.0
"""How long anything may wait before a person should look."""


@dataclass(frozen=True)
class Need:
    """One thing to do: how bad it is, what is wrong, where to see it."""

    state: str
    words: str
    path: str = ""
    link: str = ""


def needs(
    numbers: Mapping[str, Any], everyone: list[Peer], models: Sequence[Mapping[str, Any]]
) -> list[Need]:
    """Return what needs a person.

    Parameters
    ----------
    numbers : mapping
        As :func:`daemon.records.summary.pressing` tells, with ``disk`` beside it.
    everyone : list of Peer
        The peers.
    models : sequence of mapping
        As :func:`daemon.models.rows` tells.
    """
    found = [*_disk(numbers["disk"]), *_deliveries(numbers), *_series(numbers)]
    found += [*_waiting(numbers["oldest"]), *_peers(everyone), *_models(models)]
    return sorted(found, key=lambda need: need.state != "bad")


def _disk(disk: Mapping[str, Any]) -> Iterator[Need]:
    if disk["lets_in"] != Door.OPEN.reason:
        yield Need("bad", Said("The disk is short of room: {why}.", why=disk["why"]))


def _deliveries(numbers: Mapping[str, Any]) -> Iterator[Need]:
    for row in numbers["parked_deliveries"]:
        words = Said("{objects} result objects could not be sent to {aet}: {detail}", **row)
        yield Need("bad", words, "/deliveries", "Send them again")
    for row in numbers["parked_commitments"]:
        words = Said("{requests} answers to {aet} about its images were given up: {detail}", **row)
        yield Need("warn", words, peer_path(row["aet"]), "Look at this peer")


def _series(numbers: Mapping[str, Any]) -> Iterator[Need]:
    for state, words in (
        ("parked", "{count} series stopped after several tries."),
        ("failed", "{count} series could not be read."),
    ):
        if count := numbers["series"]["by_state"][state]:
            told = Said(words, count=count)
            yield Need("warn", told, f"/studies?state={state}", "Show them")
    if numbers["set_aside"]:
        words = (
            "{set_aside} received files were set aside, unreadable or at odds with earlier ones."
        )
        yield Need("warn", Said(words, set_aside=numbers["set_aside"]))


def _waiting(oldest: Mapping[str, Mapping[str, Any]]) -> Iterator[Need]:
    for stage, item in oldest.items():
        if (item.get("waits_s") or 0) > STUCK_S:
            facts = {"hours": round(item["waits_s"] / 3600), "stage": stage, "why": item.get("why")}
            yield Need("warn", Said("Something has waited {hours} h in {stage}: {why}.", **facts))


def _models(models: Sequence[Mapping[str, Any]]) -> Iterator[Need]:
    for row in models:
        if row["problem"] and row["stage"] != Stage.OFF:
            words = Said("A model cannot run: {problem}.", problem=row["problem"])
            yield Need("bad", words, "/models", "Look at it")


def _peers(everyone: list[Peer]) -> Iterator[Need]:
    if not any(peer.sends for peer in everyone):
        yield Need("warn", "No peer may send images to us yet.", "/peer/new", "Add a peer")
    if not any(peer.results != Wants.NONE for peer in everyone):
        yield Need("warn", "No peer receives results yet.", "/peer/new", "Add a peer")
