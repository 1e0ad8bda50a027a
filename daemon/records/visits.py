"""Who is signed in to the site, until when."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, or_, select, update

from daemon.records.ledger import Ledger, now
from daemon.records.people import key_of
from daemon.records.people_tables import Person, Right, Visit

SEEN_AFTER = timedelta(seconds=30)
"""How old the last sight of a visitor grows before it is written anew: most pages write nothing."""


@dataclass(frozen=True)
class Limits:
    """When a visit ends: unused for so long, or so long after its begin."""

    idle: timedelta
    longest: timedelta


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in, as every page is told; ``token`` names what a program showed."""

    name: str
    right: Right
    key: str
    form_key: str
    shows_names: bool
    token: str = ""


def begin(ledger: Ledger, name: str, limits: Limits) -> str:
    """Begin a visit; return the secret for the cookie, which no visit ever had."""
    secret = secrets.token_urlsafe(32)
    moment = now()
    over = or_(Visit.seen_at < moment - limits.idle, Visit.begun_at < moment - limits.longest)
    with ledger.write() as session:
        session.execute(delete(Visit).where(over))
        session.add(
            Visit(
                key=key_of(secret),
                person=name,
                form_key=secrets.token_urlsafe(32),
                begun_at=moment,
                seen_at=moment,
            )
        )
    return secret


def visitor(ledger: Ledger, secret: str, limits: Limits) -> Visitor | None:
    """Return who holds a cookie, with the rights of this moment; None if the visit is over."""
    key, moment = key_of(secret), now()
    both = select(Visit, Person).join(Person, Person.name == Visit.person).where(Visit.key == key)
    with ledger.read() as session:
        found = session.execute(both).first()
    if found is None:
        return None
    visit, person = found
    unused = moment - visit.seen_at
    if unused > limits.idle or moment - visit.begun_at > limits.longest:
        return None
    if unused > SEEN_AFTER:
        _seen(ledger, key)
    return Visitor(person.name, Right(person.right), key, visit.form_key, visit.shows_names)


def _seen(ledger: Ledger, key: str) -> None:
    with ledger.write() as session:
        session.execute(update(Visit).where(Visit.key == key).values(seen_at=now()))


def show_names(ledger: Ledger, visitor: Visitor, shown: bool) -> None:
    """Show the names of patients from now on in this visit, or hide them."""
    with ledger.write() as session:
        mine = update(Visit).where(Visit.key == visitor.key)
        session.execute(mine.values(shows_names=shown))


def end(ledger: Ledger, key: str) -> None:
    """End one visit."""
    with ledger.write() as session:
        session.execute(delete(Visit).where(Visit.key == key))
