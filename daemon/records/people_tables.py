"""The tables of the site: who may sign in, who has, and what each did."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from daemon.records.tables import Table

NAME = String(64)
SHA256 = String(64)
ID_DIGITS = 12
"""Hexadecimal digits of a token's hash that name it; ours."""


class Right(StrEnum):
    """What a person may do on the site; each includes the one before."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"

    def includes(self, other: "Right") -> bool:
        """Tell whether who has this right has the other, too."""
        return self.rank >= other.rank

    @property
    def rank(self) -> int:
        """Place in the order, the least first."""
        return list(Right).index(self)


class Person(Table):
    """Somebody who may sign in; without a password hash, nobody has followed the link yet.

    ``federated`` is the hash of issuer and subject of who signs in by OpenID Connect.
    """

    __tablename__ = "person"

    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    right: Mapped[str]
    password_hash: Mapped[str | None]
    created_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    federated: Mapped[str | None] = mapped_column(SHA256, index=True, unique=True)


class Invitation(Table):
    """A link with which a person sets a password, once; kept as the hash of its secret."""

    __tablename__ = "invitation"

    key: Mapped[str] = mapped_column(SHA256, primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.name", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]


class Visit(Table):
    """A person who is signed in; ``key`` is the hash of the secret in the browser's cookie."""

    __tablename__ = "visit"

    key: Mapped[str] = mapped_column(SHA256, primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.name", ondelete="CASCADE"), index=True)
    # every form of this visit carries it
    form_key: Mapped[str] = mapped_column(String(64))
    begun_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    shows_names: Mapped[bool] = mapped_column(default=False)


class Token(Table):
    """What a program signs in with for a person; ``key`` is the hash of its secret."""

    __tablename__ = "token"

    key: Mapped[str] = mapped_column(SHA256, primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.name", ondelete="CASCADE"), index=True)
    label: Mapped[str] = mapped_column(NAME)
    # at most: its person may less by now
    right: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    @property
    def id(self) -> str:
        """Name it where all may read: as much of the hash as tells it from the others."""
        return self.key[:ID_DIGITS]


class Trail(Table):
    """One thing a person did or looked at; ``seal`` is the hash of it and of the row before."""

    __tablename__ = "trail"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(index=True)
    # no foreign key: what was done outlives who did it
    person: Mapped[str] = mapped_column(NAME)
    address: Mapped[str] = mapped_column(NAME)
    action: Mapped[str] = mapped_column(NAME)
    subject: Mapped[str] = mapped_column(String(128), index=True)
    detail: Mapped[str]
    seal: Mapped[str] = mapped_column(SHA256)
