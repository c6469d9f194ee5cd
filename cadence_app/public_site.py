"""Where Cadence is reached, and whether it is in development mode; read from the environment at the start.

Development mode opens pages that have no sign-in and lets the demo's passwords in, so it is only for who sits
at this machine: it is asked for, and it does not go with an address that others can reach.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from cadence_app.outbound.addresses import loopback_name

# An underscore is in no name of the internet, and in those that containers have among each other.
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")


@dataclass(frozen=True)
class Site:
    """`url` has no slash at its end. `hosts` are the names, beside loopback's, that it answers to, as a
    browser writes them: in lower case, without port, IPv6 addresses without brackets."""

    url: str
    hosts: frozenset[str]
    proxies: int
    development: bool

    @property
    def https(self) -> bool:
        return self.url.startswith("https://")

    @property
    def loopback(self) -> bool:
        """Whether names of this machine are names of the site."""
        return self.development or loopback_name(urlsplit(self.url).hostname or "")


def load(proxies: int, wanted: bool | None) -> Site:
    """`wanted` is development mode, None where nothing was said: then it is off. Errors: ValueError."""
    url = (
        os.environ.get("CADENCE_PUBLIC_URL", "").strip()
        or f"http://127.0.0.1:{os.environ.get('PORT', '5000')}"
    )
    own = _own_host(url)
    also = re.split(r"[\s,]+", os.environ.get("CADENCE_HOSTS", "").strip())
    site = Site(
        url=url.rstrip("/"),
        hosts=frozenset({own, *(_named(name) for name in also if name)}),
        proxies=proxies,
        development=bool(wanted),
    )
    if site.development and (why := reachable(site)):
        raise ValueError(
            f"CADENCE_DEVELOPMENT is on, and {why}. In development mode there are pages without sign-in and"
            " passwords that everybody knows, so it is for this machine alone: take one of the two away."
        )
    return site


def reachable(site: Site) -> str:
    """What says that others can reach it; empty where nothing does."""
    host = os.environ.get("HOST", "127.0.0.1")
    if not loopback_name(urlsplit(site.url).hostname or ""):
        return f"CADENCE_PUBLIC_URL is {site.url}"
    if not loopback_name(host):
        return f"HOST is {host}"
    if site.proxies:
        return "CADENCE_TRUSTED_PROXIES says that there is a proxy in front"
    if named := sorted(name for name in site.hosts if not loopback_name(name)):
        return f"CADENCE_HOSTS has {named[0]}"
    return ""


def _own_host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(f"CADENCE_PUBLIC_URL is {url!r}, which is no address ({error}).") from error
    wrong = parts.username is not None or parts.query or parts.fragment or not host
    if parts.scheme not in {"http", "https"} or wrong:
        raise ValueError(f"CADENCE_PUBLIC_URL is {url!r}; it must be like https://cadence.college.example")
    return _named(host, "CADENCE_PUBLIC_URL")


def _named(name: str, setting: str = "CADENCE_HOSTS") -> str:
    """A host's name as a browser sends it. Errors: ValueError for what is none."""
    plain = name.strip("[]").lower()
    try:
        return str(ipaddress.ip_address(plain))
    except ValueError:
        pass
    try:
        plain = plain if plain.isascii() else plain.encode("idna").decode()
    except UnicodeError:
        plain = ""
    if not _NAME.fullmatch(plain):
        raise ValueError(f"{setting} has {name!r}; it must be the name of a host, without scheme and port.")
    return plain
