"""One PostgreSQL ledger under all its addresses, as libpq writes them: whoever takes changes is it.

``postgresql://USER@HOST1:5432,HOST2:5432/NAME?target_session_attrs=read-write``. Our driver knows
one address; who is the primary now is asked at each new connection.
"""

import re
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import Engine, event, make_url

PORT = 5432
CONNECTS_S = 3.0
"""How long a host that may be gone is waited for (ours)."""
SEVERAL = re.compile(r"^(?P<before>[^/]+://(?:[^@/]*@)?)(?P<hosts>[^/?]*,[^/?]*)(?P<after>.*)$")


class NobodyWrites(OSError):
    """None of the addresses is of a server that takes changes."""


@dataclass(frozen=True)
class Places:
    """Where a server may be."""

    places: tuple[tuple[str, int], ...]

    def connect(self, dialect: Any, how: dict[str, Any]) -> Any:
        """Return a connection to the first server that takes changes.

        Raises
        ------
        NobodyWrites
            If there is none: of each, why not.
        """
        told = []
        for host, port in self.places:
            try:
                # the driver itself would wait for a host that is gone as long as for any answer
                socket.create_connection((host, port), CONNECTS_S).close()
                connection = dialect.connect(**how | {"host": host, "port": port})
                if _takes_changes(connection):
                    return connection
                connection.close()
            except OSError as error:
                told.append(f"{host}:{port}: {error.strerror or 'no answer'}")
                continue
            except dialect.loaded_dbapi.Error as error:
                # as one that only starts
                told.append(f"{host}:{port}: {type(error).__name__}")
                continue
            told.append(f"{host}:{port}: takes no changes")
        raise NobodyWrites("; ".join(told))


def split(url: str) -> tuple[str, Places | None]:
    """Return a URL of one address, and all places that it names.

    Raises
    ------
    ValueError
        For a ``target_session_attrs`` other than read-write or primary: a ledger is written.
    """
    several = SEVERAL.match(url)
    path, _, query = (several["after"] if several else url).partition("?")
    asked = dict(parse_qsl(query))
    if asked.pop("target_session_attrs", "read-write") not in ("read-write", "primary"):
        raise ValueError("database_url: target_session_attrs is read-write, a ledger is written")
    rest = f"{path}?{urlencode(asked)}" if asked else path
    if several is None:
        one = make_url(rest)
        return rest, Places(((one.host, one.port or PORT),)) if one.host else None
    places = tuple(_place(text) for text in several["hosts"].split(","))
    host, port = places[0]
    return f"{several['before']}{host}:{port}{rest}", Places(places)


def use(engine: Engine, places: Places) -> None:
    """Let an engine find its server anew at each connection."""

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, _record: Any, _args: Any, how: dict[str, Any]) -> Any:
        try:
            return places.connect(dialect, how)
        except NobodyWrites as error:
            raise dialect.loaded_dbapi.InterfaceError(str(error)) from None


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    return host, int(port or PORT)


def _takes_changes(connection: Any) -> bool:
    cursor = connection.cursor()
    cursor.execute("SELECT pg_is_in_recovery(), current_setting('transaction_read_only')")
    standby, read_only = cursor.fetchone()
    connection.rollback()
    return not standby and read_only == "off"
