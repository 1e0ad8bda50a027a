"""Modalities that send in parallel and repeat, as real ones do, whatever was not acknowledged.

Each knows of every object whether it was acknowledged: that is what must be found again.
"""

import contextlib
import itertools
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import films
from bench.payloads import Object, Payload, make, write_part10
from bench.sender import Association, encode_pdus
from peers import dcmsend, storescu
from pydicom.uid import CTImageStorage, generate_uid
from pynetdicom.dsutils import encode

SLICE = Payload("ct", CTImageStorage, rows=64, columns=64, objects=20)
ALL_ACKNOWLEDGED_WITHIN_S = 180.0
STORED_BY_STORESCU = re.compile(
    r"Sending file: (\S+)(?:(?!Sending file:).)*?Received Store Response \(Success\)", re.DOTALL
)


class Films:
    """Films that a model screens: few bodies, many examinations, for a body takes long to make."""

    def __init__(self, bodies: int = 2) -> None:
        self._bodies = [films.film(seed) for seed in range(1, bodies + 1)]
        self._turn = itertools.count()

    def new(self) -> tuple[str, Object]:
        """Return the Study Instance UID and the one image of an examination that is new."""
        ds = self._bodies[next(self._turn) % len(self._bodies)].copy()
        ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
        ds.SOPInstanceUID = generate_uid()
        data = encode(ds, is_implicit_vr=False, is_little_endian=True)
        return str(ds.StudyInstanceUID), Object(str(ds.SOPClassUID), str(ds.SOPInstanceUID), data)


Send = Callable[[Sequence[Object]], set[str]]
"""Send objects over one association at least; return the UIDs that were acknowledged."""


def by_hand(port: int, aet: str, calling: str = "MODALITY") -> Send:
    """Return a sender that reads each answer itself."""

    def send(batch: Sequence[Object]) -> set[str]:
        acknowledged: set[str] = set()
        try:
            for sop_class, objects in itertools.groupby(batch, lambda one: one.sop_class):
                association = Association(port, aet, calling, sop_class)
                for one in objects:
                    association.store(encode_pdus(one, association.maximum_length))
                    acknowledged.add(one.uid)
                association.release()
        except OSError:
            pass
        return acknowledged

    return send


def by_storescu(port: int, aet: str, folder: Path) -> Send:
    """Return DCMTK's storescu, whose words tell each object's answer."""

    def send(batch: Sequence[Object]) -> set[str]:
        paths = [write_part10(folder, one) for one in batch]
        _, said = storescu(port, paths, aet)
        for path in paths:
            path.unlink()
        return {Path(name).stem for name in STORED_BY_STORESCU.findall(said)}

    return send


def by_dcmsend(port: int, aet: str, folder: Path) -> Send:
    """Return DCMTK's dcmsend, which succeeds for all or has to be asked again."""

    def send(batch: Sequence[Object]) -> set[str]:
        paths = [write_part10(folder, one) for one in batch]
        rc, _ = dcmsend(port, paths, aet)
        for path in paths:
            path.unlink()
        return {one.uid for one in batch} if rc == 0 else set()

    return send


@dataclass
class Accounts:
    """What senders know.

    Attributes
    ----------
    sent : dict
        SHA-256 of the dataset of every object that was sent at least once, by SOP Instance UID.
    acknowledged : set
        The UIDs answered with success.
    films : list
        Study Instance UIDs of the films among them.
    """

    sent: dict[str, str] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    films: list[str] = field(default_factory=list)


class Traffic(Accounts):
    """Parallel senders, busy while :meth:`pouring`; at other times they only repeat.

    Attributes
    ----------
    repeats : int
        Objects that had to be sent again.
    """

    def __init__(self, senders: Sequence[Send], seed: int, film_every: int = 5) -> None:
        super().__init__()
        self.repeats = 0
        self._made = Films()
        self._lock = threading.Lock()
        self._end, self._pour = threading.Event(), threading.Event()
        self._film_every = film_every
        self._gave_up: list[str] = []
        self._threads = [
            threading.Thread(target=self._modality, args=[send, random.Random(seed + number)])
            for number, send in enumerate(senders)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    @contextlib.contextmanager
    def pouring(self) -> Iterator[None]:
        """Have every sender make and send something new, again and again."""
        self._pour.set()
        try:
            yield
        finally:
            self._pour.clear()

    def end(self) -> None:
        """Wait until all that was sent is acknowledged."""
        self.__exit__()
        assert self._gave_up == [], "senders repeated in vain"

    def film(self, send: Send) -> tuple[str, float]:
        """Send one film until it is acknowledged; return its study and how many seconds it took."""
        began = time.monotonic()
        study, one = self._new_film()
        self._until_acknowledged(send, [one], random.Random(0))
        return study, time.monotonic() - began

    def _new_film(self) -> tuple[str, Object]:
        with self._lock:
            study, one = self._made.new()
            self.films.append(study)
            self.sent[one.uid] = one.digest
        return study, one

    def _modality(self, send: Send, chance: random.Random) -> None:
        for turn in itertools.count():
            while not self._pour.wait(0.1):
                if self._end.is_set():
                    return
            batch = make(SLICE)
            with self._lock:
                self.sent.update({one.uid: one.digest for one in batch})
            if turn % self._film_every == 1:
                batch.append(self._new_film()[1])
            self._until_acknowledged(send, batch, chance)
            time.sleep(chance.uniform(0, 0.3))

    def _until_acknowledged(
        self, send: Send, batch: Sequence[Object], chance: random.Random
    ) -> None:
        until = time.monotonic() + ALL_ACKNOWLEDGED_WITHIN_S
        while batch and time.monotonic() < until:
            acknowledged = send(batch)
            batch = [one for one in batch if one.uid not in acknowledged]
            with self._lock:
                self.acknowledged |= acknowledged
                self.repeats += len(batch)
            if batch:
                time.sleep(chance.uniform(0.02, 0.3))
        self._gave_up.extend(one.uid for one in batch)
