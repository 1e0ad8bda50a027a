"""A process that serves HTTP from one loop: where and how, and the sign that its loop turns."""

import asyncio
import logging
import socket
from collections.abc import Awaitable
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from daemon.pulse import Signs

MOST_AT_ONCE = 64
LONGEST_HEAD = 16 << 10
LEAVE_S = 2


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address of either family.

    Raises
    ------
    OSError
        If it is taken, or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.create_server((host, port), family=family, backlog=64)
    # those that are accepted inherit it: a body must not wait 40 ms for its head to be acknowledged
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def server_of(
    app: ASGIApp, certificate: Path | None, key: Path | None, proxied: bool = False
) -> uvicorn.Server:
    """Return a server with one worker and limits on what a stranger can hold; it names nobody.

    Parameters
    ----------
    app : ASGI application
        What answers.
    certificate, key : Path or None
        For TLS; the key may be in the certificate's file.
    proxied : bool
        Whether a proxy says for whom it speaks.
    """
    how = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        # the log of every process is ours: no path, no traceback of others in it
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=proxied,
        forwarded_allow_ips="*",
        limit_concurrency=MOST_AT_ONCE,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_graceful_shutdown=LEAVE_S,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    how.load()
    # it would write tracebacks of its own, with whatever stands in them
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)
    return uvicorn.Server(how)


async def serve(work: Awaitable[None], signs: Signs, every_s: float) -> None:
    """Do the work until it ends, and say every so often that the loop turns."""

    async def come_round() -> None:
        while True:
            signs.moved()
            await asyncio.sleep(every_s)

    rounds = asyncio.create_task(come_round())
    await work
    rounds.cancel()
