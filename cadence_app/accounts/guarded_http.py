"""Calls to an address that an admin typed: never to what only this machine or its network may reach.

The name is resolved here and its address looked at before the connection to that very address opens, so a
name that answers otherwise the second time gains nothing. Redirects are not followed at all.
"""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import urllib3
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from cadence_app import addresses

TIMEOUT_SECONDS = 10
_LARGEST = 512 * 1024


class Unreachable(ValueError):
    """An address that may not be called, or that did not answer as it must; the text says which."""


class GuardedAdapter(HTTPAdapter):
    """For requests: https only and public addresses only. `loopback` lets http to this machine through too,
    which is for development."""

    def __init__(self, loopback: bool) -> None:
        self.loopback = loopback
        super().__init__(max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **options)
        loopback = self.loopback

        class Plain(_Guarded, HTTPConnection):
            allow_loopback = loopback

        class Secure(_Guarded, HTTPSConnection):
            allow_loopback = loopback

        class PlainPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        require_address(request.url or "", self.loopback)
        # No proxy of the environment, which would resolve the name for us.
        return super().send(request, *args, **kwargs | {"proxies": {}})


def guard(session: Session, loopback: bool) -> None:
    """Makes a session of requests careful: see GuardedAdapter."""
    adapter = GuardedAdapter(loopback)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.trust_env = False
    session.max_redirects = 0
    # Even where redirects are not followed, requests reads the whole body of one to look for the next.
    session.get_redirect_target = _nowhere  # type: ignore[method-assign]


def _nowhere(resp: Response) -> str | None:
    return None


def read_json(session: Session, url: str, **options: Any) -> dict[str, Any]:
    """The object at an address, read up to half a megabyte. Errors: Unreachable, RequestException."""
    with session.get(url, timeout=TIMEOUT_SECONDS, stream=True, allow_redirects=False, **options) as answer:
        if answer.status_code != 200:
            raise Unreachable(f"{url} answered {answer.status_code}.")
        body = answer.raw.read(_LARGEST + 1, decode_content=True)
        answer._content = body
        if len(body) > _LARGEST:
            raise Unreachable(f"{url} answered more than it should.")
        found = answer.json()
    if not isinstance(found, dict):
        raise Unreachable(f"{url} did not answer as it should.")
    return found


def require_address(url: str, loopback: bool) -> None:
    """Errors: Unreachable for an address that is not https, or has a user name in it."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port != 0
    except ValueError as error:
        raise Unreachable("That is no address.") from error
    local = loopback and parts.scheme == "http" and addresses.loopback_name(parts.hostname or "")
    if not parts.hostname or not port_fits or parts.username or parts.password:
        raise Unreachable("That is no address.")
    if parts.scheme != "https" and not local:
        raise Unreachable("The address must begin with https://")


class _Guarded:
    """Opens its connection to an address that was looked at."""

    allow_loopback = False

    def _new_conn(self) -> socket.socket:
        connection: Any = self
        address = _public_address(connection.host, connection.port, self.allow_loopback)
        try:
            return urllib3.util.connection.create_connection(
                (address, connection.port),
                connection.timeout,
                source_address=connection.source_address,
                socket_options=connection.socket_options,
            )
        except OSError as error:
            raise Unreachable(f"{connection.host} can't be reached.") from error


def _public_address(host: str, port: int, loopback: bool) -> str:
    """An address of the host. Errors: Unreachable where any of its addresses is not public."""

    def allowed(address: addresses.Address) -> bool:
        return addresses.public(address) or (loopback and address.is_loopback)

    try:
        return addresses.resolve(host, port, allowed)[0]
    except addresses.Forbidden as error:
        raise Unreachable(f"{host} is not a public address.") from error
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host} can't be reached.") from error
