"""A process that serves from one loop: where it is reached, and the sign that its loop turns."""

import asyncio
import socket
from collections.abc import Awaitable

from daemon.pulse import Signs


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address of either family.

    Raises
    ------
    OSError
        If it is taken, or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=64)


async def serve(work: Awaitable[None], signs: Signs, every_s: float) -> None:
    """Do the work until it ends, and say every so often that the loop turns."""

    async def come_round() -> None:
        while True:
            signs.moved()
            await asyncio.sleep(every_s)

    rounds = asyncio.create_task(come_round())
    await work
    rounds.cancel()
