"""Keyed hashes by which studies are found under what a hospital calls a patient or an order.

The ledger knows no patient. Of Patient ID and Accession Number it keeps HMAC-SHA256 (RFC 2104), cut
to 128 bits; the key lies in the home and never in the database, so that who has a copy of the one
without the other cannot try all numbers there are. See docs/decisions/0014.
"""

import contextlib
import hmac
import os
import secrets
import unicodedata
from pathlib import Path
from typing import Final

from daemon.errors import ConfigError

FILE: Final = "search.key"
KEY_BYTES: Final = 32
HEX_DIGITS: Final = 32
# no text that a person types contains it, so no Patient ID has the hash of an Accession Number
_SEPARATOR: Final = "\x1f"


class Pseudonyms:
    """The hashes of one installation.

    Raises
    ------
    ConfigError
        If its key can neither be read nor made.
    """

    def __init__(self, home: Path) -> None:
        self._key = _key(home / FILE)

    def of(self, keyword: str, text: str) -> str | None:
        """Return the hash of a value of an element, None of an empty one.

        Letters count alike in either case, as people type them; so do spaces around and between.
        """
        plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
        if not plain:
            return None
        told = f"{keyword}{_SEPARATOR}{plain}".encode(errors="replace")
        return hmac.digest(self._key, told, "sha256").hex()[:HEX_DIGITS]


def _key(path: Path) -> bytes:
    """Read the key; the first who needs it makes it, and of two at once one is believed."""
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{path} is damaged: put it back from a backup, or move it away")
    return key


def _make(path: Path) -> None:
    new = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(new, path)
    new.unlink()
