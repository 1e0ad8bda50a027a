"""What the index needs of one received file, from a bounded number of bytes of it.

Headers that are in order are walked, not decoded; the others are left to pydicom, which reads
through a bound: what a header promises is never allocated before it is there.
"""

import hashlib
import logging
import os
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, cast

from pydicom import Dataset, FileDataset
from pydicom.datadict import tag_for_keyword
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from daemon.elements import Element, Odd, Walk
from daemon.logs import where

log = logging.getLogger(__name__)

PIECE: Final = 1 << 16
"""Bytes read at once: nearly every header ends in the first of them."""
MOST_READ: Final = 1 << 20
"""Bytes of one header that pydicom may read; values that nobody wants are not among them."""
MOST_OF_FRAMES: Final = 16 << 20
"""The same, with the functional groups of an image of many frames: a few KB for each."""
MOST_INFLATED: Final = 4 << 20
"""Bytes to which a deflated data set may grow while its header is looked for."""

_META_AT: Final = 132
_LAST_META: Final = 0x0002FFFF
_SYNTAX, _SENDER, _RECEIVER, _CHARACTER_SET = 0x00020010, 0x00020016, 0x00020018, 0x00080005
_TITLES: Final = (_SENDER, _RECEIVER)
# Accession Number and Patient ID may hold any text; nothing that stands there makes a header odd
_FREE: Final = frozenset({0x00080050, 0x00100020})
_BEHIND: Final = 0x52000000
"""Functional groups of multi-frame objects, then pixels: nothing wanted comes so late."""
_PIXELS: Final = 0x7FE00000
_PLAIN: Final = frozenset({b"", b"UI", b"CS"})
_NOT_IN_AE: Final = re.compile(r"[^ -\[\]-~]")

StopWhen = Callable[[BaseTag, str | None, int], bool]


@dataclass(frozen=True)
class Received:
    """One received file; ``values`` is None where its header cannot be read."""

    sha256: str
    size_bytes: int
    written_s: float
    calling_aet: str
    called_aet: str
    TransferSyntaxUID: str
    values: dict[str, str] | None


def look(path: Path, keywords: tuple[str, ...]) -> Received:
    """Read one file once: hash, sender, and the wanted values as text, empty where absent."""
    syntax, sender, receiver, values = "", "", "", None
    with path.open("rb", buffering=0) as file:
        part10 = _Part10(file)
        sha256, size_bytes = part10.hash()
        try:
            syntax, sender, receiver = part10.meta
            values = part10.texts(keywords)
        except Exception as error:  # noqa: BLE001 - the edge to bytes from outside: kept aside
            log.warning("event=unreadable file=%s error=%s", path.name, where(error))
    return Received(sha256, size_bytes, part10.written_s, sender, receiver, syntax, values)


def excerpt(path: Path, keywords: tuple[str, ...]) -> Dataset:
    """Read the wanted elements of one file.

    Files whose wanted elements are alike give one and the same data set: it is only to be read.
    """
    with path.open("rb", buffering=0) as file:
        return _Part10(file).dataset(keywords)


def excerpt_with_frames(path: Path, keywords: tuple[str, ...]) -> Dataset:
    """Read the wanted elements of one image of many frames, its functional groups too."""
    with path.open("rb", buffering=0) as file:
        return _Part10(file).framed(keywords)


def whole(path: Path) -> Dataset:
    """Read all of one file's header, up to functional groups and pixels."""
    with path.open("rb", buffering=0) as file:
        return read_partial(cast(BinaryIO, _Bounded(file)), _behind)


def dataset_sha256(path: Path) -> tuple[str, int]:
    """Return hash and length of the data set as received: what follows the meta information.

    A file without any counts as a whole.
    """
    with path.open("rb", buffering=0) as file:
        return _Part10(file).hash()


class _Part10:
    """One open file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._head = file.read(PIECE)
        self._start = _dataset_at(self._head)
        facts = os.fstat(file.fileno())
        self._size, self.written_s = facts.st_size, facts.st_mtime

    def hash(self) -> tuple[str, int]:
        digest = hashlib.sha256(memoryview(self._head)[self._start :])
        self._file.seek(len(self._head))
        while piece := self._file.read(PIECE):
            digest.update(piece)
        return digest.hexdigest(), self._size - self._start

    @cached_property
    def meta(self) -> tuple[str, str, str]:
        """Transfer syntax, and who sent it to whom."""
        meta = self._head[_META_AT : self._start]
        try:
            walk = Walk(lambda at: meta[at:], len(meta), implicit=False)
            found = walk.find(frozenset({_SYNTAX, _SENDER, _RECEIVER}))
            syntax, titles = _plain(found[_SYNTAX]), [_ae(found.get(one)) for one in _TITLES]
        except (Odd, KeyError):
            read = self._with_pydicom(lambda *_: True, ()).file_meta
            syntax, titles = str(read.TransferSyntaxUID), [_ae_text(read, one) for one in _TITLES]
        sender, receiver = (_NOT_IN_AE.sub("", title)[:16].strip() for title in titles)
        return syntax, sender, receiver

    def texts(self, keywords: tuple[str, ...]) -> dict[str, str]:
        try:
            found = self._walk().find(_tags(keywords), after=_LAST_META)
            return {keyword: _text(_tag(keyword), found) for keyword in keywords}
        except Odd:
            ds = self._decode(keywords)
            return {keyword: str(ds.get(keyword) or "") for keyword in keywords}

    def dataset(self, keywords: tuple[str, ...]) -> Dataset:
        try:
            tags = _tags(keywords) | {_CHARACTER_SET}
            found = self._walk().find(tags, after=_LAST_META)
        except Odd:
            return self._decode(keywords)
        raw = b"".join(element.raw for element in found.values())
        return _decoded(raw, self.meta[0] == ImplicitVRLittleEndian)

    def framed(self, keywords: tuple[str, ...]) -> Dataset:
        return self._with_pydicom(_pixels, keywords, MOST_OF_FRAMES)

    def _walk(self) -> Walk:
        syntax, *_ = self.meta
        if not self._start or syntax == ExplicitVRBigEndian:
            raise Odd
        if syntax == DeflatedExplicitVRLittleEndian:
            data = self._inflated
            return Walk(lambda at: data[at:], len(data), implicit=False)
        size = self._size - self._start
        return Walk(self._window, size, implicit=syntax == ImplicitVRLittleEndian)

    def _window(self, at: int) -> bytes:
        at += self._start
        if at == self._start:
            return self._head[at:]
        return os.pread(self._file.fileno(), PIECE, at)

    @cached_property
    def _inflated(self) -> bytes:
        """The beginning of a deflated data set (PS3.5 A.5)."""
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        data, at = b"", self._start
        while len(data) < MOST_INFLATED and not inflate.eof:
            piece = inflate.unconsumed_tail or os.pread(self._file.fileno(), PIECE, at)
            at += 0 if inflate.unconsumed_tail else len(piece)
            if not piece:
                break
            data += inflate.decompress(piece, MOST_INFLATED - len(data))
        return data

    def _decode(self, keywords: tuple[str, ...]) -> Dataset:
        """Read with whatever defects pydicom can live with."""
        if self.meta[0] == DeflatedExplicitVRLittleEndian and self._start:
            bounded = cast(BinaryIO, _Bounded(BytesIO(self._inflated)))
            tags = [BaseTag(tag) for tag in _tags(keywords)]
            return read_dataset(bounded, False, True, stop_when=_behind, specific_tags=list(tags))
        return self._with_pydicom(_behind, keywords)

    def _with_pydicom(
        self, stop_when: StopWhen, keywords: tuple[str, ...], most: int = MOST_READ
    ) -> FileDataset:
        self._file.seek(0)
        bounded = cast(BinaryIO, _Bounded(self._file, most))
        tags: list[BaseTag | int] = [BaseTag(tag) for tag in _tags(keywords)]
        return read_partial(bounded, stop_when, specific_tags=tags)


class _Bounded:
    """A file of which only so much may be read, however much is asked for."""

    def __init__(self, file: BinaryIO, most: int = MOST_READ) -> None:
        self._file, self._left = file, most
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        # all at once is what pydicom asks for to inflate it, to any size
        wanted = self._left + 1 if size > self._left else size
        piece = self._file.read(wanted) if size >= 0 else b""
        self._left -= len(piece)
        if size < 0 or self._left < 0:
            raise Unbounded
        return piece


class Unbounded(Exception):
    """A header that is longer than any honest one."""


def _behind(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return bool(tag >= _BEHIND)


def _pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return bool(tag >= _PIXELS)


def _dataset_at(head: bytes) -> int:
    """Return where the data set begins, 0 where no meta information says so."""
    # PS3.10 7.1: preamble, prefix, then (0002,0000) whose value counts the rest of the group
    if head[_META_AT - 4 : _META_AT + 8] != b"DICM\x02\0\0\0UL\x04\0":
        return 0
    start = _META_AT + 12 + int.from_bytes(head[_META_AT + 8 : _META_AT + 12], "little")
    return start if start <= len(head) else 0


def _text(tag: int, found: Mapping[int, Element]) -> str:
    element = found.get(tag)
    return _free(element.value) if element and tag in _FREE else _plain(element)


def _free(value: bytes) -> str:
    """Read a text as UTF-8, else as Latin-1: the character sets in which nearly all are written."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return text.strip(" \0")


def _plain(element: Element | None) -> str:
    """Return the one value of a UID or a code string; what is less plain is odd."""
    if element is None:
        return ""
    if element.vr not in _PLAIN or b"\\" in element.value or not element.value.isascii():
        raise Odd
    return element.value.decode("ascii").rstrip(" \0")


def _ae_text(meta: Dataset, tag: int) -> str:
    return str(meta[tag].value) if tag in meta else ""


def _ae(element: Element | None) -> str:
    return element.value.decode("ascii", "replace") if element else ""


@lru_cache(maxsize=256)
def _decoded(raw: bytes, implicit: bool) -> Dataset:
    return read_dataset(BytesIO(raw), implicit, True)


@lru_cache(maxsize=16)
def _tags(keywords: tuple[str, ...]) -> frozenset[int]:
    return frozenset(map(_tag, keywords))


@lru_cache(maxsize=64)
def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return tag
