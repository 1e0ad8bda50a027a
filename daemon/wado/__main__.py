"""The process of our files for other hosts: ``python -m daemon.wado``, run by serve."""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

import uvicorn

from daemon import config, logs, parent, schema, turning
from daemon.errors import ConfigError
from daemon.presence import Presence
from daemon.pulse import Signs
from daemon.records.ledger import Ledger
from daemon.settings import Settings
from daemon.tls import server_context
from daemon.wado.app import make_app

log = logging.getLogger("daemon.wado")

NICENESS = 10
"""A worker can wait; an image that is received cannot."""
COME_ROUND_S = 1.0
"""How often the loop says that it turns."""


def main() -> None:
    """Serve our files until told to stop."""
    parser = argparse.ArgumentParser(prog="daemon.wado", description=__doc__)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--parent", type=int, help="process that started this one")
    arguments = parser.parse_args()
    parent.leave_with_parent(arguments.parent)
    settings = config.load(arguments.home)
    logs.set_up(settings.log_level, settings.log_format)
    os.nice(NICENESS)
    ledger = schema.awaited_ledger(settings)
    try:
        sock = turning.bound(settings.files_host, settings.files_port)
        server = server_of(settings, ledger)
    except (ConfigError, OSError) as error:
        log.error("event=no-files why=%r", str(error))
        sys.exit(1)
    log.info("event=files host_name=%s port=%d", settings.host_name, settings.files_port)
    signs = Signs()
    with Presence(ledger, "files", settings.home, signs):
        asyncio.run(turning.serve(server.serve(sockets=[sock]), signs, COME_ROUND_S))


def server_of(settings: Settings, ledger: Ledger) -> uvicorn.Server:
    """Return the server of our files; by TLS where we have a certificate.

    Raises
    ------
    ConfigError
        If the certificate cannot be used.
    """
    if settings.tls_certificate is not None:
        # says in words what uvicorn would not
        server_context(settings)
    app = make_app(settings, ledger)
    return turning.server_of(app, settings.tls_certificate, settings.tls_key)


if __name__ == "__main__":
    main()
