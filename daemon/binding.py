"""The sockets that the listener stands on: bound at every address before a process starts."""

import errno
import socket

from daemon.errors import ConfigError
from daemon.networks import ALL_IPV4, ALL_IPV6
from daemon.settings import Settings

BACKLOG = 256


def place_of(host: str, port: int) -> str:
    """Write an address and a port as a person does."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def open_socket(settings: Settings, host: str, port: int) -> socket.socket:
    """Bind and listen at one of our addresses; raises OSError when that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # named alone, all of IPv6 is all of IPv4, too
    dual = host == ALL_IPV6 and len(settings.hosts) == 1
    return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=dual)


def open_sockets(settings: Settings, port: int) -> list[socket.socket]:
    """Bind and listen at every address of the setting ``host``.

    Raises
    ------
    ConfigError
        With the address that cannot be had, and why.
    """
    opened: list[socket.socket] = []
    for host in settings.hosts:
        try:
            opened.append(open_socket(settings, host, port))
        except OSError as error:
            for sock in opened:
                sock.close()
            raise ConfigError(why_not(error, host, port)) from None
    return opened


def listens_at(settings: Settings, host: str) -> bool:
    """Tell whether the listener of this host is reached at an address, should the host have it."""
    every = ALL_IPV6 if ":" in host else ALL_IPV4
    return settings.hosts == (ALL_IPV6,) or host in settings.hosts or every in settings.hosts


def is_here(host: str) -> bool:
    """Tell whether this host has an address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def why_not(error: OSError, host: str, port: int) -> str:
    """Say in words why an address and port cannot be listened at."""
    place = place_of(host, port)
    if error.errno == errno.EADDRINUSE:
        return f"cannot listen at {place}: another program does"
    if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return f"cannot listen at {place}: this host has no such address (setting 'host')"
    if isinstance(error, socket.gaierror):
        return f"cannot listen at {place}: {host} is no address (setting 'host')"
    if error.errno == errno.EACCES:
        return (
            f"cannot listen at {place}: a port below 1024 needs the right to it "
            "(CAP_NET_BIND_SERVICE), or another number"
        )
    return f"cannot listen at {place}: {error.strerror}"
