"""How the site is served: one worker, limits on what a stranger can hold, nothing said of us."""

import logging

import uvicorn
from starlette.types import ASGIApp

from daemon.config import Settings

MOST_AT_ONCE = 64
LONGEST_HEAD = 16 << 10
LEAVE_S = 2


def server_of(settings: Settings, app: ASGIApp) -> uvicorn.Server:
    """Return the server of the site, one worker, with its limits."""
    how = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        # the log of every process is ours: no path, no traceback of others in it
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=settings.web_behind_proxy,
        forwarded_allow_ips="*",
        limit_concurrency=MOST_AT_ONCE,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_graceful_shutdown=LEAVE_S,
        ssl_certfile=settings.web_certificate,
        ssl_keyfile=settings.web_key,
    )
    how.load()
    # it would write tracebacks of its own, with whatever stands in them
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)
    return uvicorn.Server(how)
