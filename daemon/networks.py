"""Addresses and networks as an admin writes them."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IP = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

ALL_IPV4, ALL_IPV6 = "0.0.0.0", "::"


def plain_ip(address: str) -> IP:
    """Read an address; an IPv4 one that came over IPv6 (RFC 4291 2.5.5.2) is the IPv4 one."""
    ip = ip_address(address.split("%")[0])
    return getattr(ip, "ipv4_mapped", None) or ip


def read_hosts(text: str) -> tuple[str, ...]:
    """Read addresses to bind to, with commas between.

    Raises
    ------
    ValueError
        If there is none, or one is named twice or beside all of its kind.
    """
    hosts = tuple(word.strip() for word in text.split(",") if word.strip())
    if not hosts or len(set(hosts)) < len(hosts):
        raise ValueError("addresses with commas between, each once")
    for every, mark in ((ALL_IPV4, "."), (ALL_IPV6, ":")):
        alike = [host for host in hosts if mark in host and (":" in host) == (mark == ":")]
        if every in hosts and len(alike) > 1:
            raise ValueError(f"{every} is every address of its kind: no other beside it")
    return hosts


def read_networks(text: str) -> Networks:
    """Read addresses and networks with commas between; raises ValueError for what is neither."""
    return tuple(ip_network(word.strip()) for word in text.split(",") if word.strip())
