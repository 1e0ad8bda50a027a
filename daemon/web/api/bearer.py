"""Who may call: the holder of a token, and nobody by a cookie."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from daemon.records import tokens
from daemon.records.people_tables import Right
from daemon.records.visits import Visitor
from daemon.web.guard import Refused, SignedOut, ledger_of

SCHEME = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token of yours, made on the site under *Tokens*: `Authorization: Bearer "
    "osteoscreen_...`. Cookies of the site open nothing here.",
)
Shown = Annotated[HTTPAuthorizationCredentials | None, Depends(SCHEME)]


def holder(request: Request, shown: Shown) -> Visitor:
    """Return who shows a token that is good."""
    found = tokens.visitor(ledger_of(request), shown.credentials) if shown else None
    if found is None:
        raise SignedOut
    return found


Holder = Annotated[Visitor, Depends(holder)]


def at_least(right: Right) -> Callable[[Visitor], Visitor]:
    """Return what lets in tokens with that right alone."""

    def let_in(who: Holder) -> Visitor:
        if not who.right.includes(right):
            raise Refused(f"This is for an {right}; this token is for a {who.right}.")
        return who

    return let_in


Viewer = Annotated[Visitor, Depends(at_least(Right.VIEWER))]
Operator = Annotated[Visitor, Depends(at_least(Right.OPERATOR))]
Administrator = Annotated[Visitor, Depends(at_least(Right.ADMINISTRATOR))]
