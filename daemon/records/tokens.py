"""Tokens: what a program shows instead of a password, for a person, until a day.

Nobody gets more by a token than its person may at that moment, and a token makes no token.
"""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import delete, select, update

from daemon.records.ledger import Ledger, changed, now
from daemon.records.people import key_of
from daemon.records.people_tables import ID_DIGITS, Person, Right, Token
from daemon.records.visits import Visitor

MARK = "osteoscreen_"
"""What a secret begins with, so that whoever finds one in a file knows what it opens."""

DAYS_MOST = 366
USED_AFTER = timedelta(minutes=1)
"""How old the last use grows before it is written anew: most calls write nothing."""


def _secret() -> str:
    return MARK + secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Fresh:
    """A token that is to be made.

    Attributes
    ----------
    person : str
        For whom it is used.
    label : str
        What for, in the person's words.
    right : Right
        What it may at most.
    days : int
        After which it opens nothing; 1 to 366.
    secret : str
        To be shown once; kept nowhere.
    """

    person: str
    label: str
    right: Right
    days: int
    secret: str = field(default_factory=_secret, repr=False)

    @property
    def id(self) -> str:
        """What names it."""
        return key_of(self.secret)[:ID_DIGITS]


def make(ledger: Ledger, fresh: Fresh) -> str:
    """Make a token; return its secret."""
    moment = now()
    told = {"person": fresh.person, "label": fresh.label, "right": fresh.right}
    expires_at = moment + timedelta(days=fresh.days)
    token = Token(key=key_of(fresh.secret), created_at=moment, expires_at=expires_at, **told)
    with ledger.write() as session:
        session.add(token)
    return fresh.secret


def visitor(ledger: Ledger, secret: str) -> Visitor | None:
    """Return who holds a token, with the lesser of its right and the person's right of now."""
    key, moment = key_of(secret), now()
    both = select(Token, Person).join(Person, Person.name == Token.person).where(Token.key == key)
    with ledger.read() as session:
        found = session.execute(both).first()
    if found is None or found[0].expires_at <= moment:
        return None
    token, person = found
    if token.used_at is None or moment - token.used_at > USED_AFTER:
        with ledger.write() as session:
            session.execute(update(Token).where(Token.key == key).values(used_at=moment))
    right = min(Right(token.right), Right(person.right), key=lambda one: one.rank)
    return Visitor(person.name, right, key, "", False, token.id)


def everyone(ledger: Ledger, person: str | None = None) -> list[Token]:
    """Return all tokens, or those of a person, by person and the newest first."""
    rows = select(Token).order_by(Token.person, Token.created_at.desc())
    if person is not None:
        rows = rows.where(Token.person == person)
    with ledger.read() as session:
        return list(session.scalars(rows))


def revoke(ledger: Ledger, token: Token) -> bool:
    """Revoke a token at once; False if it is gone already."""
    with ledger.write() as session:
        return changed(session.execute(delete(Token).where(Token.key == token.key)))
