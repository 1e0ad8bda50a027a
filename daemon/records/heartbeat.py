"""Keep a lease while work goes on, however long it takes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Update

from daemon.records.ledger import Ledger, LedgerError, now


@contextmanager
def heartbeat(
    ledger: Ledger, extend: Callable[[datetime], Update], lease_s: float
) -> Iterator[None]:
    """Extend a lease three times in its length, until the work inside is done.

    Parameters
    ----------
    ledger : Ledger
        Where the lease stands.
    extend : callable
        New end of the lease -> the update that sets it.
    lease_s : float
        Length of the lease.
    """
    done = threading.Event()

    def beat() -> None:
        while not done.wait(lease_s / 3):
            try:
                with ledger.write() as session:
                    session.execute(extend(now() + timedelta(seconds=lease_s)))
            except LedgerError:
                # the next beat tries again; a lease that lapses only costs a second run
                continue

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
