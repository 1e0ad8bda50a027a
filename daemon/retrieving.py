"""Retrieve objects from another host of ours over WADO-RS (PS3.18 10.4), on one connection."""

import http.client
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from daemon import tls
from daemon.errors import ConfigError, HolderAway
from daemon.records.holding import Held
from daemon.settings import Settings

ROOT = "/dicom-web"
AS_STORED = "application/dicom; transfer-syntax=*"
"""PS3.18 8.7.3: the file as it is."""
ANSWERS_S = 10.0
"""Ours: how long a host may say nothing."""
PIECE = 1 << 20
NOT_FOUND = (404, 410)


class Retrieving:
    """The connection to one host.

    Raises
    ------
    HolderAway
        Here and in its methods, where the host gives nothing now: which, and why.
    """

    def __init__(self, settings: Settings, holder: str, address: str) -> None:
        there = urlsplit(address)
        self._holder, self._root = holder, there.path.rstrip("/") + ROOT
        self._shown = {"Authorization": f"Bearer {settings.files_token}", "Accept": AS_STORED}
        place = there.hostname or "", there.port
        if there.scheme == "https":
            self._line: http.client.HTTPConnection = http.client.HTTPSConnection(
                *place, timeout=ANSWERS_S, context=self._context(settings)
            )
        else:
            self._line = http.client.HTTPConnection(*place, timeout=ANSWERS_S)

    def instance(self, wanted: Held, file: Path) -> bool:
        """Write one object into a file; False where the host has none."""
        study, series, uid = (
            wanted.StudyInstanceUID,
            wanted.SeriesInstanceUID,
            wanted.SOPInstanceUID,
        )
        path = f"{self._root}/studies/{study}/series/{series}/instances/{uid}"
        try:
            self._line.request("GET", path, headers=self._shown)
            answer = self._line.getresponse()
            if answer.status == http.HTTPStatus.OK:
                _write(answer, file)
                return True
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise HolderAway(f"{self._holder} gives nothing: {_in_words(error)}") from None
        if answer.status in NOT_FOUND:
            return False
        if answer.status == http.HTTPStatus.UNAUTHORIZED:
            raise HolderAway(f"{self._holder} refuses our files_token: is it the same there?")
        raise HolderAway(f"{self._holder} answers {answer.status}")

    def close(self) -> None:
        """End the connection."""
        self._line.close()

    def _context(self, settings: Settings) -> ssl.SSLContext:
        try:
            return tls.client_context(settings, pinned=False, named=True)
        except ConfigError as error:
            raise HolderAway(f"{self._holder} cannot be asked by TLS: {error}") from None


def _write(answer: http.client.HTTPResponse, file: Path) -> None:
    with file.open("wb") as out:
        while piece := answer.read(PIECE):
            out.write(piece)


def _in_words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return f"it said nothing for {ANSWERS_S:g} s"
    return getattr(error, "strerror", None) or type(error).__name__
