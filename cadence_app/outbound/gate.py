"""The gate itself: where an address leads, whether it may, and a socket to what was looked at."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from cadence_app.outbound import addresses
from cadence_app.outbound.policy import POLICIES, Kind, Plain, allows, inside, names

# Ports of other protocols, to which a request of HTTP might mean something: the Fetch standard's "bad ports"
# (https://fetch.spec.whatwg.org/#port-blocking), and those of Redis, PostgreSQL and memcached.
_OTHERS_PORTS = frozenset(
    (
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103),
        *(104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513),
        *(514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719),
        *(1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667, 6668),
        *(6669, 6679, 6697, 10080, 11211),
    )
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
# What inet_aton() reads as an IPv4 address although it is not written as one: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)


class Failure(StrEnum):
    """Why there is no answer, or none that is kept."""

    REFUSED = "refused"
    NOT_FOUND = "not_found"
    UNREACHABLE = "unreachable"
    CLOSED = "closed"
    CONNECT_TIME = "connect_time"
    CERTIFICATE = "certificate"
    TIME = "time"
    SIZE = "size"
    PROTOCOL = "protocol"
    BROKEN = "broken"


class Refusal(StrEnum):
    """Which rule of the policy keeps a connection from being opened."""

    NO_ADDRESS = "no_address"
    SCHEME = "scheme"
    USER = "user"
    PORT = "port"
    ADDRESS = "address"
    HOST = "host"


class NotConnected(OSError):
    """No connection came about, so nothing was sent."""

    def __init__(self, failure: Failure, text: str) -> None:
        super().__init__(text)
        self.failure = failure


class Refused(NotConnected):
    """The policy does not let this connection be opened."""

    def __init__(self, refusal: Refusal, text: str) -> None:
        super().__init__(Failure.REFUSED, text)
        self.refusal = refusal


@dataclass(frozen=True)
class Target:
    """Where an address leads; `host` is without brackets."""

    scheme: str
    host: str
    port: int


def target_of(kind: Kind, url: str) -> Target:
    """Where an address leads to, as it is written: no name is looked up. Errors: Refused."""
    policy = POLICIES[kind]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Refused(Refusal.NO_ADDRESS, "That is no address.") from error
    if not host or not fits_as_host(host) or not (url.isascii() and url.isprintable()) or " " in url:
        raise Refused(Refusal.NO_ADDRESS, "That is no address.")
    if parts.username is not None or parts.password is not None:
        raise Refused(Refusal.USER, "An address must not have a user name or a password in it.")
    here = policy.plain == Plain.HERE and addresses.loopback_name(host) and inside(kind, _written(host))
    plainly = parts.scheme == "http" and (here or policy.plain == Plain.INSIDE)
    if parts.scheme not in policy.schemes and not plainly:
        raise Refused(Refusal.SCHEME, "The address must begin with https://")
    port = _DEFAULT_PORTS.get(parts.scheme, 0) if port is None else port
    if not port or port in _OTHERS_PORTS:
        raise Refused(Refusal.PORT, f"Port {port} is not one for the web.")
    if not names(kind, host):
        raise Refused(Refusal.HOST, f"{host} is none of the servers that this may go to.")
    return Target(parts.scheme, host, port)


def fits_as_host(host: str) -> bool:
    """Whether a host is a name or an address as everybody writes them, so that all read the same in it."""
    try:
        addresses.meant(host)
    except ValueError:
        return not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) and "%" not in host
    return True


def find(kind: Kind, host: str, port: int, seconds: float, plain: bool = False) -> list[str]:
    """The addresses of a host, all of which were looked at; with `plain`, which goes without TLS, by the
    narrower rule of that. Errors: Refused, NotConnected."""
    policy = POLICIES[kind]
    inside_only = plain and "http" not in policy.schemes

    def allowed(address: str) -> bool:
        return inside(kind, address) if inside_only else allows(kind, address)

    try:
        return addresses.resolve(host, port, allowed, min(seconds, policy.connect_seconds))
    except addresses.Forbidden as error:
        raise Refused(Refusal.ADDRESS, f"{host} has an address that is not to be reached.") from error
    except TimeoutError as error:
        raise NotConnected(Failure.CONNECT_TIME, f"{host} can't be found in time.") from error
    except (OSError, UnicodeError) as error:
        raise NotConnected(Failure.NOT_FOUND, f"{host} can't be found.") from error


def connect(kind: Kind, host: str, port: int, until: float, plain: bool = False) -> socket.socket:
    """A socket to one of a host's addresses, before `until` (of time.monotonic()). Errors: Refused,
    NotConnected."""
    return connect_to(kind, find(kind, host, port, until - time.monotonic(), plain), port, until)


def connect_to(kind: Kind, found: Sequence[str], port: int, until: float) -> socket.socket:
    """A socket to the first of some addresses of find() that takes it. Errors: NotConnected."""
    policy, last = POLICIES[kind], None
    until = min(until, time.monotonic() + policy.connect_seconds)
    for at, address in enumerate(found):
        left = until - time.monotonic()
        if left <= 0:
            break
        try:
            # An address, and no name: nothing is looked up again.
            opened = socket.create_connection((address, port), timeout=left / (len(found) - at))
        except OSError as error:
            last = error
        else:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.settimeout(policy.silent_seconds)
            return opened
    if last is None or isinstance(last, TimeoutError):
        raise NotConnected(Failure.CONNECT_TIME, "No connection came about in time.") from last
    closed = isinstance(last, ConnectionRefusedError)
    failure = Failure.CLOSED if closed else Failure.UNREACHABLE
    raise NotConnected(failure, last.strerror or str(last)) from last


def _written(host: str) -> str:
    return "127.0.0.1" if host == "localhost" else host
