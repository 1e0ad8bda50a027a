"""Passwords: argon2id, a few at a time, and the same time for a name that nobody has."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from daemon.said import Said

SHORTEST = 12
LONGEST = 256

_HASHER = PasswordHasher()
# each takes 64 MiB: many at once must not starve the machine of it
_TURNS = threading.Semaphore(2)
_NOBODY: list[str] = []


def objection(name: str, password: str) -> str:
    """Return why a password will not do; nothing if it will."""
    if len(password) < SHORTEST:
        return Said(
            "At least {least} characters; a sentence is easiest to remember.", least=SHORTEST
        )
    if len(password) > LONGEST:
        return Said("At most {most} characters.", most=LONGEST)
    if name.lower() in password.lower() or len(set(password)) < 5:
        return "Too easy to guess: it repeats itself, or your name."
    return ""


def hashed(password: str) -> str:
    """Return what is kept of a password."""
    with _TURNS:
        return _HASHER.hash(password)


def is_right(password: str, kept: str | None) -> bool:
    """Tell whether a password is the one that was kept; without one, take as long to say no."""
    if kept is None and not _NOBODY:
        _NOBODY.append(hashed("nobody has this password"))
    with _TURNS:
        try:
            _HASHER.verify(kept or _NOBODY[0], password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None
