"""Which addresses a webhook may go to, so that nobody reaches the inside of a network through Cadence.

Checked when an admin saves the address, and again at every connection: what a name stands for can change.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from flask import current_app

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL = 2000
PRIVATE = "This address is inside a private network, where webhooks must not go."
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}


class Refused(OSError):
    """The host stands for an address that a webhook must not go to."""


def problem_of(url: str) -> str:
    """What keeps a webhook from this address, as a sentence; empty where nothing does. A name that can't be
    looked up just now is let through: the first try will tell."""
    if len(url) > MAX_URL:
        return f"The address is longer than {MAX_URL:,} characters."
    if not (url.isascii() and url.isprintable()) or " " in url:
        return "The address has a character that does not belong there."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "This is no address. Write one such as https://records.example.edu/cadence."
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        return "Write the whole address, such as https://records.example.edu/cadence."
    if parts.username is not None or parts.fragment:
        return "Leave out user name, password and what follows #."
    if parts.scheme == "http" and not (host in _LOOPBACK_NAMES and _loopback_allowed()):
        return "The address must begin with https://, because what is sent is personal."
    try:
        addresses_of(host, port or 443)
    except Refused:
        return PRIVATE
    except (OSError, UnicodeError):
        return ""
    return ""


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a host. Errors: Refused where any of them must not be reached, else OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(_allowed(address) for address in addresses):
        raise Refused(PRIVATE)
    return addresses


def _allowed(text: str) -> bool:
    if current_app.config["WEBHOOK_PRIVATE_NETWORKS"]:
        return True
    address = _meant(ipaddress.ip_address(text.partition("%")[0]))
    if address.is_loopback:
        return _loopback_allowed()
    return address.is_global and not address.is_multicast


def _loopback_allowed() -> bool:
    """This machine is for development, and where the operator lets webhooks reach private networks."""
    return bool(current_app.config["DEV_TOOLS"] or current_app.config["WEBHOOK_PRIVATE_NETWORKS"])


def _meant(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 address carries inside, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address
