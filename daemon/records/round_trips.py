"""One round trip to PostgreSQL a statement, where our driver makes three, and one to begin.

pg8000 waits for the server after it has sent a statement's text, after it has asked for its types,
and after its values. The protocol wants none of these waits (PostgreSQL's documentation, 55.2.4):
an error skips what follows up to the next Sync. What is used of the driver's private parts is here.
"""

from typing import Any, cast

from pg8000.core import NULL_BYTE, SYNC_MSG, Context, _flush, _write, make_params
from pg8000.exceptions import Error
from pg8000.legacy import Connection
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

USED = "used"


class Prompt(Connection):  # type: ignore[misc]
    """A connection that sends all of a statement at once."""

    def execute_unnamed(
        self, statement: str, vals: Any = (), oids: Any = (), stream: Any = None
    ) -> Context:
        """Send a statement and its values, then wait for what comes of them."""
        if stream is not None:
            return super().execute_unnamed(statement, vals=vals, oids=oids, stream=stream)
        context = Context(statement)
        params = make_params(self.py_types, vals)
        self.send_PARSE(NULL_BYTE, statement, oids)
        self.send_DESCRIBE_STATEMENT(NULL_BYTE)
        self.send_BIND(NULL_BYTE, params)
        self.send_EXECUTE()
        _write(self._sock, SYNC_MSG)
        _flush(self._sock)
        self.handle_messages(context)
        return context


def spare(engine: Engine) -> None:
    """Let an engine's connections be prompt, and begin a transaction instead of a question."""
    event.listen(engine, "connect", _make_prompt)
    event.listen(engine, "checkout", _begin)


def _make_prompt(connection: Any, _record: Any) -> None:
    if type(connection) is Connection:
        connection.__class__ = Prompt


def _begin(connection: Any, record: Any, _proxy: Any) -> None:
    """Begin, which tells a connection that has died in the pool as well as a question would."""
    is_fresh = not record.info.get(USED)
    record.info[USED] = True
    if is_fresh or not isinstance(connection, Prompt) or connection.autocommit:
        return
    try:
        cast(Any, connection).execute_simple("begin transaction")
    except (Error, OSError) as error:
        raise InvalidatePoolError from error
