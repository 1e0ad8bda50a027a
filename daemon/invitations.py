"""The one-time links with which people set their passwords on the site."""

import re

from daemon.errors import ConfigError
from daemon.records import people, trail
from daemon.records.ledger import Ledger
from daemon.records.people_tables import Right
from daemon.records.trail import Deed
from daemon.settings import Settings

FIRST = "admin"
"""Name of the first administrator."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
SERVER = "server"
"""Who did what was done on the server's own command line."""


def origin(settings: Settings) -> str:
    """Return where browsers reach the site; as seen from this host if nobody has said."""
    if settings.web_address:
        return settings.web_address.rstrip("/")
    scheme = "https" if settings.web_certificate else "http"
    host = f"[{settings.web_host}]" if ":" in settings.web_host else settings.web_host
    return f"{scheme}://{host}:{settings.web_port}"


def path_of(secret: str) -> str:
    """Return the path of a link."""
    return f"/welcome/{secret}"


def first_administrator(settings: Settings, ledger: Ledger) -> str | None:
    """Return a link for the first administrator; None if an administrator can sign in already."""
    if people.has_administrator(ledger):
        return None
    people.put(ledger, FIRST, Right.ADMINISTRATOR)
    return origin(settings) + path_of(people.invite(ledger, FIRST))


def link(settings: Settings, ledger: Ledger, name: str, right: Right | None = None) -> str:
    """Return a link for a person, who is added if need be.

    Parameters
    ----------
    settings, ledger
        Of this site.
    name : str
        With which the person signs in.
    right : Right, optional
        What the person may do from now on; by default what it was. Somebody new may look, and is
        an administrator where there is none.

    Raises
    ------
    ConfigError
        If nobody can have such a name, or there is no site.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(f"name {name!r}: letters, digits and . _ @ - only, 64 at most")
    if not settings.web_port:
        raise ConfigError("setting 'web_port': it is 0, there is no site")
    known = people.named(ledger, name)
    if known and known.federated:
        raise ConfigError(f"{name} signs in through the identity provider, without a password")
    first = Right.VIEWER if people.has_administrator(ledger) else Right.ADMINISTRATOR
    wanted = right or (Right(known.right) if known else first)
    trail.write_down(ledger, Deed(SERVER, "", "link given", name, f"as {wanted}"))
    people.put(ledger, name, wanted)
    people.unlock(ledger, name)
    return origin(settings) + path_of(people.invite(ledger, name))
