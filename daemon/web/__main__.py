"""The process of the site: ``python -m daemon.web``, run by serve."""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from daemon import config, invitations, logs, parent, schema, turning
from daemon.errors import ConfigError
from daemon.presence import Presence
from daemon.pulse import Signs
from daemon.web.app import make_app

log = logging.getLogger("daemon.web")

NICENESS = 10
"""A page can wait; an image that is received cannot."""
COME_ROUND_S = 5.0
"""How often the loop says that it turns."""


def main() -> None:
    """Serve the site until told to stop."""
    parser = argparse.ArgumentParser(prog="daemon.web", description=__doc__)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--parent", type=int, help="process that started this one")
    arguments = parser.parse_args()
    parent.leave_with_parent(arguments.parent)
    settings = config.load(arguments.home)
    logs.set_up(settings.log_level, settings.log_format)
    os.nice(NICENESS)
    ledger = schema.awaited_ledger(settings)
    try:
        sock = turning.bound(settings.web_host, settings.web_port)
        keys = settings.web_certificate, settings.web_key
        app = make_app(settings, ledger)
        server = turning.server_of(app, *keys, proxied=settings.web_behind_proxy)
    except (ConfigError, OSError) as error:
        log.error("event=no-site why=%r", str(error))
        sys.exit(1)
    log.info("event=site at=%s", invitations.origin(settings))
    if link := invitations.first_administrator(settings, ledger):
        log.warning("event=first-administrator link=%s", link)
    signs = Signs()
    with Presence(ledger, "web", settings.home, signs):
        asyncio.run(turning.serve(server.serve(sockets=[sock]), signs, COME_ROUND_S))


if __name__ == "__main__":
    main()
