"""Which Host a request may name. An unknown one is refused before anything else sees it, on every path.

Without this a page can be asked for under a name that somebody else owns: a browser is led to this machine by
a name that changes its address (DNS rebinding), and caches and links take up a name that is not ours.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cadence_app.outbound.addresses import loopback_name
from cadence_app.public_site import Site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# RFC 9110, section 7.2: a name or an address, and perhaps a port. No user, no dot at the end, no list of two.
_HOST = re.compile(
    r"(?:(?P<name>[A-Za-z0-9._-]*[A-Za-z0-9_-])|\[(?P<six>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?"
)
# A load balancer asks each machine by its address, or names none at all, and what watches a container asks
# localhost; the answer says nothing of anybody.
_HEALTH = "/healthz"
_REFUSED = b"This address is not served here. CADENCE_PUBLIC_URL and CADENCE_HOSTS name those that are.\n"
_HEADERS = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Length", str(len(_REFUSED))),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
]
# So many names are logged once each; who tries them by the thousand fills no disk.
_MOST_LOGGED = 50


def host_of(header: str) -> str:
    """The host that a Host header names, in lower case and without port; empty for what is no such header."""
    found = _HOST.fullmatch(header)
    if not found or int(found["port"] or 0) > 65535:
        return ""
    return (found["name"] or found["six"]).lower()


class Hosts:
    """WSGI middleware, inside of what reads the headers of trusted proxies."""

    def __init__(self, app: WSGIApplication, site: Site, logger: logging.Logger) -> None:
        self._app, self._site, self._logger = app, site, logger
        self._logged: set[str] = set()
        self._told_of_proxy = site.proxies > 0 or site.development

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._look_for_proxy(environ)
        header = str(environ.get("HTTP_HOST", ""))
        host = host_of(header)
        if _target_agrees(environ, header) and (self._known(host) or _health_check(environ, header, host)):
            return self._app(environ, start_response)
        self._log(header)
        start_response("400 Bad Request", _HEADERS)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [_REFUSED]

    def _known(self, host: str) -> bool:
        return host in self._site.hosts or (self._site.loopback and loopback_name(host))

    def _look_for_proxy(self, environ: WSGIEnvironment) -> None:
        """Says once that a proxy seems to stand in front that no setting tells of: all who come by it are
        one network then, and the failures of one keep the others out (accounts/tries.py)."""
        if not self._told_of_proxy and "HTTP_X_FORWARDED_FOR" in environ:
            self._told_of_proxy = True
            self._logger.warning(
                "a request has X-Forwarded-For, and CADENCE_TRUSTED_PROXIES is 0: everybody behind that proxy"
                " counts as one network when signing in; set it to the number of proxies"
            )

    def _log(self, header: str) -> None:
        shown = repr(header[:100])
        if shown not in self._logged and len(self._logged) < _MOST_LOGGED:
            self._logged.add(shown)
            self._logger.warning("a request for the unknown host %s was refused", shown)


def _target_agrees(environ: dict[str, Any], header: str) -> bool:
    """A request may name its whole address instead of a path; then that is the host that counts (RFC 9112,
    section 3.2.2), and one that names two is refused."""
    target = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "/")
    if target.startswith("/") or target == "*":
        return True
    try:
        return urlsplit(target).netloc.lower() == header.lower()
    except ValueError:
        return False


def _health_check(environ: dict[str, Any], header: str, host: str) -> bool:
    if environ.get("PATH_INFO") != _HEALTH or environ.get("REQUEST_METHOD") not in {"GET", "HEAD"}:
        return False
    return not header or loopback_name(host) or _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
