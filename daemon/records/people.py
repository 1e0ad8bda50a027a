"""Who may sign in to the site: their rights, links, passwords and lock-outs."""

import secrets
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, func, or_, select, update

from daemon.records.ledger import Ledger, changed, now
from daemon.records.people_tables import Invitation, Person, Right, Token, Visit

LINK_HOLDS = timedelta(hours=24)
FAILURES_MOST = 5
"""Wrong passwords in a row after which a person is locked out."""
LOCKED = timedelta(minutes=5)
"""For how long, at first; twice as long with each wrong password more."""
LOCKED_LONGEST = timedelta(hours=4)

_ABLE = (
    Person.right == Right.ADMINISTRATOR,
    or_(Person.password_hash.is_not(None), Person.federated.is_not(None)),
)


def key_of(secret: str) -> str:
    """Return what is kept of a secret that only its holder knows."""
    return sha256(secret.encode()).hexdigest()


def everyone(ledger: Ledger) -> list[Person]:
    """Return all people by name."""
    with ledger.read() as session:
        return list(session.scalars(select(Person).order_by(Person.name)))


def named(ledger: Ledger, name: str) -> Person | None:
    """Return the person of that name."""
    with ledger.read() as session:
        return session.get(Person, name)


def has_administrator(ledger: Ledger) -> bool:
    """Tell whether an administrator can sign in."""
    with ledger.read() as session:
        return session.scalars(select(Person.name).where(*_ABLE).limit(1)).first() is not None


def put(ledger: Ledger, name: str, right: Right) -> None:
    """Add a person, or change the right of the one of that name."""
    with ledger.write() as session:
        person = session.get(Person, name)
        if person is None:
            session.add(Person(name=name, right=right, created_at=now(), failures=0))
        else:
            person.right = right


def by_provider(ledger: Ledger, federated: str) -> Person | None:
    """Return who was let in by a provider before."""
    with ledger.read() as session:
        return session.scalars(select(Person).where(Person.federated == federated)).first()


def federate(ledger: Ledger, name: str, federated: str, right: Right) -> None:
    """Give whom a provider lets in the right of this time; add who comes for the first time."""
    with ledger.write() as session:
        mine = update(Person).where(Person.federated == federated).values(right=right)
        if not changed(session.execute(mine)):
            fresh = {"right": right, "created_at": now(), "failures": 0, "federated": federated}
            session.add(Person(name=name, **fresh))


def shut_out(ledger: Ledger, federated: str) -> None:
    """End all visits and tokens of whom a provider lets in no more."""
    mine = select(Person.name).where(Person.federated == federated)
    with ledger.write() as session:
        for table in (Visit, Token):
            session.execute(
                delete(table)
                .where(table.person.in_(mine))
                .execution_options(synchronize_session=False)
            )


def is_last_administrator(ledger: Ledger, name: str) -> bool:
    """Tell whether nobody could administer the site without this person."""
    with ledger.read() as session:
        names = list(session.scalars(select(Person.name).where(*_ABLE)))
    return names == [name]


def remove(ledger: Ledger, name: str) -> bool:
    """Remove a person with links, visits and tokens; False if there was none of that name."""
    with ledger.write() as session:
        for table in (Invitation, Visit, Token):
            session.execute(delete(table).where(table.person == name))
        return changed(session.execute(delete(Person).where(Person.name == name)))


def invite(ledger: Ledger, name: str) -> str:
    """Return the secret of a link with which a person sets a password, once, within a day."""
    secret = secrets.token_urlsafe(32)
    with ledger.write() as session:
        session.execute(delete(Invitation).where(Invitation.expires_at < now()))
        expires_at = now() + LINK_HOLDS
        session.add(Invitation(key=key_of(secret), person=name, expires_at=expires_at))
    return secret


def invited(ledger: Ledger, secret: str) -> str | None:
    """Return who is invited by a link, None if it has expired or was used."""
    with ledger.read() as session:
        link = session.get(Invitation, key_of(secret))
        return link.person if link and link.expires_at > now() else None


def set_password(ledger: Ledger, secret: str, password_hash: str) -> str | None:
    """Use a link up: set its person's password, end their visits and other links."""
    with ledger.write() as session:
        link = session.get(Invitation, key_of(secret))
        if link is None or link.expires_at <= now():
            return None
        name = link.person
        # whoever deletes the link uses it: two at once cannot
        used = session.execute(delete(Invitation).where(Invitation.key == key_of(secret)))
        if not changed(used):
            return None
        session.execute(delete(Invitation).where(Invitation.person == name))
        session.execute(delete(Visit).where(Visit.person == name))
        fresh = {"password_hash": password_hash, "failures": 0, "locked_until": None}
        session.execute(update(Person).where(Person.name == name).values(**fresh))
    return name


def failed(ledger: Ledger, name: str) -> None:
    """Count a wrong password; lock the person out after several in a row."""
    with ledger.write() as session:
        one_more = update(Person).where(Person.name == name).values(failures=Person.failures + 1)
        session.execute(one_more.execution_options(synchronize_session=False))
        failures = session.scalar(select(Person.failures).where(Person.name == name)) or 0
        if failures >= FAILURES_MOST:
            doubled = min(failures - FAILURES_MOST, 10)
            until = now() + min(LOCKED * 2**doubled, LOCKED_LONGEST)
            mine = update(Person).where(Person.name == name).values(locked_until=until)
            session.execute(mine.execution_options(synchronize_session=False))


def unlock(ledger: Ledger, name: str) -> None:
    """Forget a person's wrong passwords."""
    with ledger.write() as session:
        mine = update(Person).where(Person.name == name).values(failures=0, locked_until=None)
        session.execute(mine)


def count(ledger: Ledger) -> int:
    """Count the people."""
    with ledger.read() as session:
        return session.scalar(select(func.count()).select_from(Person)) or 0
