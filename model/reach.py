"""Says which network addresses messages to people outside may go to."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

GLOBAL: Final = IPv6Network("2000::/3")  # the only part of IPv6 that is routed between networks
SIX_TO_FOUR: Final = IPv6Network("2002::/16")  # given up since RFC 7526; the IPv4 address inside could be anybody's
NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address as a network without IPv4 reaches it


def networks(text: str) -> tuple[Network, ...]:
    """The networks that ``text`` lists, with commas or spaces between them.

    Raises
    ------
    ValueError
        If one of them is no network; it is named.
    """
    return tuple(ip_network(one) for one in text.replace(",", " ").split())


def literal(host: str) -> Address | None:
    """The address that ``host`` is, None where it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def listed(address: Address, listed_networks: Sequence[Network]) -> bool:
    """Whether one of the networks has it, an IPv4 address within IPv6 being the IPv4 address."""
    address = _plain(address)
    return any(address in network for network in listed_networks)


def public(address: Address) -> bool:
    """Whether it is one host's of the public internet: not this machine, a network of our own, many hosts or none."""
    address = _plain(address)
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return isinstance(address, IPv4Address) or (address in GLOBAL and address not in SIX_TO_FOUR)


def _plain(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return IPv6Address(int(address))  # without the name of an interface
