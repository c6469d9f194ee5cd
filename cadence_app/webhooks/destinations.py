"""Which addresses a webhook may go to, so that nobody reaches the inside of a network through Cadence.

Checked when an admin saves the address, and again at every connection: what a name stands for can change.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app

from cadence_app import addresses

MAX_URL = 2000
PRIVATE = "This address is inside a private network, where webhooks must not go."
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
    try:
        return addresses.resolve(host, port, _allowed)
    except addresses.Forbidden as error:
        raise Refused(PRIVATE) from error


def _allowed(address: addresses.Address) -> bool:
    if current_app.config["WEBHOOK_PRIVATE_NETWORKS"]:
        return True
    if address.is_loopback:
        return _loopback_allowed()
    return addresses.public(address)


def _loopback_allowed() -> bool:
    """This machine is for development, and where the operator lets webhooks reach private networks."""
    return bool(current_app.config["DEV_TOOLS"] or current_app.config["WEBHOOK_PRIVATE_NETWORKS"])
