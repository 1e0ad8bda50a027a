"""A program that calls the JSON interface with a token."""

import httpx
from browsing import person

from daemon.records import tokens
from daemon.records.ledger import Ledger
from daemon.records.people_tables import Right
from daemon.records.tokens import Fresh


def token_of(ledger: Ledger, right: Right, name: str = "") -> str:
    """Put somebody there who has a token; return its secret."""
    return tokens.make(ledger, Fresh(person(ledger, right, name), "a test", right, 1))


def program(origin: str, secret: str = "") -> httpx.Client:
    """Return a client that shows a token, if there is one."""
    shown = {"Authorization": f"Bearer {secret}"} if secret else {}
    return httpx.Client(base_url=f"{origin}/api", headers=shown, timeout=60)


def program_of(origin: str, ledger: Ledger, right: Right) -> httpx.Client:
    return program(origin, token_of(ledger, right, f"program-{right}"))
