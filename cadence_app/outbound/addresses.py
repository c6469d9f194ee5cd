"""Which addresses a host stands for, and what kind they are, for calls that somebody else asks us to make.

Whoever calls resolves here, looks at every address, and connects to one of those that were looked at: a name
that answers otherwise the second time gains nothing. What is allowed, beside what is public, is the caller's
to say, and policy.py has it for each kind of call; what is never allowed is said here.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# What no setting opens. A cloud tells its machines their secrets at addresses of these: link-local ones, and
# those that AWS (fd00:ec2::/32), Google (fd20:ce::254), Azure (168.63.129.16), Alibaba (100.100.100.200) and
# Oracle (192.0.0.192) document beside them. 0.0.0.0/8 reaches this machine.
_NEVER = tuple(
    ipaddress.ip_network(each)
    for each in (
        *("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
        *("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
        *("::/128", "fe80::/10", "fec0::/10", "ff00::/8", "fd00:ec2::/32", "fd20:ce::254/128"),
    )
)
# The prefixes whose last 32 bits are an IPv4 address: mapped (RFC 4291), compatible (the same, deprecated),
# translated (RFC 2765), NAT64 (RFC 6052; RFC 8215 leaves the place of the address in its /48 to the network,
# and the end is the usual one).
_IN_THE_END = tuple(
    ipaddress.ip_network(each)
    for each in ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")
)
# ISATAP (RFC 5214, section 6.1): any prefix, then this and the IPv4 address.
_ISATAP = {0x0000_5EFE, 0x0200_5EFE}
# As of Python's ipaddress, plus the addresses that providers share between their customers (RFC 6598).
PRIVATE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(each)
    for each in (
        *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        *("::1/128", "fc00::/7"),
    )
)


class Forbidden(OSError):
    """The host has an address that is not allowed."""


def resolve(host: str, port: int, allowed: Callable[[str], bool], seconds: float) -> list[str]:
    """The addresses of a host, each once. Errors: Forbidden where any of them is not allowed, for the next
    one to look may be given another; TimeoutError past the seconds; other OSError and UnicodeError for a name
    that is not found."""
    found = _look_up(host, port, seconds)
    if not found:
        raise OSError(f"{host} has no address")
    if not all(allowed(address) for address in found):
        raise Forbidden(f"{host} has an address that is not allowed")
    return found


def _look_up(host: str, port: int, seconds: float) -> list[str]:
    """What the machine's resolver says, whose patience with a name server can't be set from here."""
    with contextlib.suppress(ValueError):
        # It is one already; nobody has to be asked.
        return [str(ipaddress.ip_address(host))]
    answer: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            answer.put(error)
        else:
            answer.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))

    Thread(target=ask, daemon=True).start()
    try:
        said = answer.get(timeout=max(seconds, 0.001))
    except Empty:
        raise TimeoutError(f"the name {host} was not found in time") from None
    if isinstance(said, Exception):
        raise said
    return said


def never(text: str) -> bool:
    """Whether an address may not be reached whatever anybody sets, in any of the ways to write it."""
    return any(each in network for each in meanings(text) for network in _NEVER)


def never_whole(network: Network) -> bool:
    """Whether all of a network may not be reached whatever anybody sets."""
    return any(
        network.version == each.version and network.subnet_of(each)  # type: ignore[arg-type]
        for each in _NEVER
    )


def public(text: str) -> bool:
    """Whether anybody on the internet may reach what an address means."""
    address = meant(text)
    return not never(text) and address.is_global and not address.is_multicast


def within(text: str, networks: tuple[Network, ...]) -> bool:
    """Whether what an address means lies in one of the networks."""
    return any(meant(text) in network for network in networks)


def loopback(text: str) -> bool:
    return meant(text).is_loopback


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
    return meanings(text)[-1]


def meanings(text: str) -> list[Address]:
    """An address, and the IPv4 address that it carries inside, if it is of a form that does."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address) or address in (_UNSPECIFIED, _LOOPBACK):
        return [address]
    number = int(address)
    teredo = address.teredo
    inside = address.sixtofour or (teredo[1] if teredo else None)
    if any(address in prefix for prefix in _IN_THE_END) or (number >> 32) & 0xFFFF_FFFF in _ISATAP:
        inside = ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    return [address, inside] if inside else [address]


_UNSPECIFIED, _LOOPBACK = ipaddress.IPv6Address("::"), ipaddress.IPv6Address("::1")
