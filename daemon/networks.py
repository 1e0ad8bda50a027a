"""Addresses and networks as an admin writes them."""

from ipaddress import IPv4Network, IPv6Network, ip_network

Networks = tuple[IPv4Network | IPv6Network, ...]


def read_networks(text: str) -> Networks:
    """Read addresses and networks with commas between; raises ValueError for what is neither."""
    return tuple(ip_network(word.strip()) for word in text.split(",") if word.strip())
