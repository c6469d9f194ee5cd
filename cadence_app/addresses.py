"""Which addresses a host stands for, and what kind they are, for calls that somebody else asks us to make.

Whoever calls resolves here, looks at every address, and connects to one of those that were looked at: a name
that answers otherwise the second time gains nothing. What is allowed, beside what is public, is the caller's
to say.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Forbidden(OSError):
    """The host has an address that is not allowed."""


def resolve(host: str, port: int, allowed: Callable[[Address], bool]) -> list[str]:
    """The addresses of a host, each once. Errors: Forbidden where any of them is not allowed, for the next
    one to look may be given another; OSError and UnicodeError for a name that is not found."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(allowed(meant(address)) for address in addresses):
        raise Forbidden(f"{host} has an address that is not allowed")
    return addresses


def public(address: Address) -> bool:
    return address.is_global and not address.is_multicast


def loopback_name(host: str) -> bool:
    """Whether a host, as it is written, is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def meant(text: str) -> Address:
    """An address, of which the IPv4 address that an IPv6 address carries inside is the one that is meant."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address
