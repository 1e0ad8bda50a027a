"""Each process killed at random moments under load: nothing lost, nothing doubled."""

import os
import random
import shutil
import statistics
import time
from dataclasses import dataclass, field
from io import BytesIO

import pydicom
import pytest
from bench.payloads import make
from faults.site import PARTS, SUPERVISOR, TREE, kept_up_line, prove
from faults.traffic import SLICE, Accounts, Films, Traffic, by_dcmsend, by_hand, by_storescu
from peers import dcmsend
from pydicom.uid import generate_uid

from daemon.records import summary

KINDS = (*PARTS, SUPERVISOR, TREE)
LONG_KILLS = 100
RESTART_AFTER = 3
"""Kills after which the supervisor is restarted: it waits longer for each death in a row."""
FILM_EVERY = 10
"""Of many kills, how often a film is waited for until its result is in the PACS."""


@pytest.fixture(scope="module")
def line(tmp_path_factory, orthanc):
    """Start one site for all kinds: what one kill leaves behind, the next must live with."""
    with kept_up_line(tmp_path_factory.mktemp("ours"), orthanc) as running:
        yield running


@pytest.fixture(scope="module")
def seed():
    """Return what all random moments follow from; SEED in the environment runs one again."""
    return int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))


@dataclass
class Recovery:
    """What a film that is sent at the moment of a kill has to wait for."""

    acknowledged_s: list[float] = field(default_factory=list)
    in_the_pacs_s: list[float] = field(default_factory=list)

    def __str__(self):
        return f"{_spread(self.acknowledged_s)} to success, {_spread(self.in_the_pacs_s)} to result"


def test_each_process_killed_under_load_loses_nothing_and_doubles_nothing(
    line, seed, tell, tmp_path
):
    kinds = random.Random(seed).sample(KINDS, len(KINDS))
    _kill_under_load(line, kinds, seed, tell, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_kills_of_a_kind_lose_nothing_and_double_nothing(
    line, kind, seed, tell, tmp_path
):
    _kill_under_load(line, [kind] * LONG_KILLS, seed, tell, tmp_path)


def test_the_proof_finds_what_is_lost_altered_or_doubled(line, tmp_path):
    system, accounts = line.system, Accounts()
    send, (study, film), slices = by_hand(system.port, system.aet), Films().new(), make(SLICE, 3)
    accounts.sent = {one.uid: one.digest for one in (film, *slices)}
    accounts.acknowledged, accounts.films = send([film, *slices]), [study]
    system.delivered(study)
    assert prove(line, accounts).is_sound
    gone, changed, copied = [_kept(system, one) for one in slices]
    gone.unlink()
    with changed.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")
    copy = copied.parent.parent / "elsewhere" / copied.name
    copy.parent.mkdir()
    shutil.copy(copied, copy)
    twice = pydicom.dcmread(BytesIO(next(iter(line.stored(study).values()))))
    twice.SOPInstanceUID = twice.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    twice.save_as(tmp_path / "twice.dcm")
    assert dcmsend(line.pacs.port, [tmp_path / "twice.dcm"], line.pacs.aet)[0] == 0
    proof = prove(line, accounts)
    assert [slices[0].uid in told for told in proof.lost] == [True]
    assert proof.altered == [f"{changed.name} is not what was sent"]
    assert [slices[2].uid in told for told in proof.doubled] == [True]
    assert proof.unfinished == [f"{study}: 3 of 2 objects in the PACS"]
    assert proof.audit


def _kept(system, one):
    [place] = (system.home / "spool" / "kept").rglob(f"{one.uid}.dcm")
    return place


def _kill_under_load(line, kinds, seed, tell, folder):
    system, chance, recovery = line.system, random.Random(seed), Recovery()
    ours = by_hand(system.port, system.aet)
    many = len(kinds) > len(KINDS)
    dcmtk = [sender(system.port, system.aet, folder) for sender in (by_storescu, by_dcmsend)]
    with Traffic([ours, ours, *dcmtk], seed) as traffic:
        for number, kind in enumerate(kinds, start=1):
            with traffic.pouring():
                time.sleep(chance.uniform(0, 1))
                killed_at = time.monotonic()
                system.kill(kind, chance)
                if many and number % FILM_EVERY:
                    study = None
                else:
                    study, waited_s = traffic.film(ours)
                    recovery.acknowledged_s.append(waited_s)
            if study:
                system.delivered(study)
                recovery.in_the_pacs_s.append(time.monotonic() - killed_at)
            if many and number % RESTART_AFTER == 0:
                system.restart()
        traffic.end()
    proof = prove(line, traffic)
    tell(
        f"kills: {len(kinds)} of {', '.join(dict.fromkeys(kinds))} | sent {len(traffic.sent)}, "
        f"acknowledged {len(traffic.acknowledged)}, repeated {traffic.repeats}, "
        f"lost {len(proof.lost)}, doubled {len(proof.doubled)} | a film at the kill: {recovery} "
        f"| SEED={seed}"
    )
    assert proof.is_sound, f"SEED={seed}: {proof}"
    assert traffic.acknowledged == set(traffic.sent)
    told = summary.status(system.ledger)["series"]["by_state"]
    assert told["screened"] >= len(recovery.in_the_pacs_s) and told["skipped"] > 0
    assert told["failed"] == told["parked"] == 0


def _spread(seconds):
    return f"median {statistics.median(seconds):.1f} s, max {max(seconds):.1f} s"
