"""How often somebody may try: failures are counted, and after a few of them the next try waits for its
moment.

Each try is counted before it is made and given back where it was right, so that many at once are counted one
after the other, and one whose process died stays counted. Nobody is kept waiting within a request: who comes
too early is refused, right or wrong, and told when to come. The counts are in PostgreSQL, without which
nobody signs in at all; Redis has no part in them.

What is counted is kept as a keyed digest, for an hour: the table tells nobody who tried what.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from flask import current_app
from sqlalchemy import delete, func, insert, select, text

from cadence_app.accounts.sign_in_models import FailedTry
from cadence_app.extensions import db
from cadence_app.work.locks import hold_number

HOUR = 3600
_PREFIXES = {4: 24, 6: 64}
# Some proxies write the client's port beside it, another one for each connection.
_WITH_PORT = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<four>[0-9.]+))(?::[0-9]{1,5})?")


class Kind(StrEnum):
    """What is counted, and by what."""

    # Passwords at sign-in, by address, whether somebody has it or not.
    PASSWORD = "password"  # noqa: S105 - what is counted
    # The same on a device where this user has signed in before, by device.
    DEVICE = "device"
    # All that fails on the way in, by network.
    NETWORK = "network"
    # Codes of a second factor, by user.
    CODE = "code"
    # The password of who is signed in, by user.
    REENTRY = "reentry"
    # Mails with a link that anybody can ask for, by address; what a user asks for, by user.
    MAIL = "mail"


@dataclass(frozen=True)
class Limit:
    """`free` failures in an hour have no consequence. After each one more the wait doubles, from `first`
    seconds up to `longest`; no try is made while there were `most` in the last hour."""

    free: int
    first: int
    longest: int
    most: int

    def wait(self, ages: Sequence[float]) -> float:
        """How many seconds to wait after failures of the last hour; their ages in seconds, newest first."""
        waits = [0.0]
        if len(ages) >= self.free > 0:
            doublings = min(len(ages) - self.free, 20)
            waits.append(min(self.first * 2**doublings, self.longest) - ages[0])
        if len(ages) >= self.most:
            waits.append(HOUR - ages[self.most - 1])
        return max(waits)


# Of one account at most a hundred an hour in all (OWASP ASVS 4.0.3, 2.2.1): 80 of strangers and 20 of who is
# signed in. Codes are few, for there are only a million of them.
LIMITS = {
    Kind.PASSWORD: Limit(free=5, first=1, longest=60, most=80),
    Kind.DEVICE: Limit(free=5, first=1, longest=60, most=80),
    Kind.NETWORK: Limit(free=30, first=1, longest=30, most=300),
    Kind.CODE: Limit(free=5, first=5, longest=300, most=30),
    Kind.REENTRY: Limit(free=5, first=5, longest=300, most=20),
    Kind.MAIL: Limit(free=3, first=60, longest=900, most=10),
}

Counted = tuple[Kind, str]


class TooMany(ValueError):
    """Too early after too many failures. `seconds` is how long to wait."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, int(seconds + 0.999))
        super().__init__(f"Too many tries. Wait {in_words(self.seconds)}, then try again.")


@dataclass(frozen=True)
class Try:
    """A try that is counted as a failure until it is given back."""

    ids: tuple[int, ...] = ()

    def give_back(self) -> None:
        """It was right. Commits, beside whatever the session does."""
        if self.ids:
            with db.engine.begin() as connection:
                connection.execute(delete(FailedTry).where(FailedTry.id.in_(self.ids)))


def begin(*counted: Counted) -> Try:
    """Counts a try, and commits that beside whatever the session does. Errors: TooMany, and it is not counted
    then; the check must not be made."""
    if not current_app.config.get("RATELIMIT_ENABLED", True):
        return Try()
    # In one order, so that two who count the same things don't wait for each other.
    digests = sorted((_digest(kind, value), LIMITS[kind]) for kind, value in counted)
    with db.engine.begin() as connection:
        waits = [0.0]
        for key, limit in digests:
            hold_number(connection, int.from_bytes(key[:8], signed=True))
            age = func.extract("epoch", func.clock_timestamp() - FailedTry.at)
            lately = select(age).where(FailedTry.key == key, age < HOUR).order_by(FailedTry.at.desc())
            waits.append(limit.wait([float(each) for each in connection.scalars(lately.limit(limit.most))]))
        if max(waits) > 0:
            raise TooMany(max(waits))
        adding = insert(FailedTry).values([{"key": key} for key, _ in digests]).returning(FailedTry.id)
        return Try(tuple(connection.scalars(adding)))


def forget_old() -> None:
    """Deletes what is older than an hour, and commits."""
    db.session.execute(delete(FailedTry).where(FailedTry.at < func.now() - text("interval '1 hour'")))
    db.session.commit()


def network_of(ip: str) -> str:
    """The network that a client's address is of: its /24 in IPv4, its /64 in IPv6, for so much of it is one
    customer's. Only a mapped address is the IPv4 one inside it, as a server with both kinds writes it: the
    other forms that carry one are of a network whose customer chooses what is inside. What is no address is
    a network of its own."""
    written = _WITH_PORT.fullmatch(ip)
    plain = (written["six"] or written["four"] or "") if written else ip
    try:
        found = ipaddress.ip_address(plain.partition("%")[0])
    except ValueError:
        return f"unknown {ip[:100]}"
    address = (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found
    kept = address.max_prefixlen - _PREFIXES[address.version]
    return f"{address.version} {int(address) >> kept:x}"


def in_words(seconds: int) -> str:
    """ "1 second", "45 seconds", "2 minutes": never less than it is."""
    if seconds < 100:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    minutes = -(-seconds // 60)
    return f"{minutes} minutes"


def _digest(kind: Kind, value: str) -> bytes:
    secret = hashlib.sha256(current_app.config["SECRET_KEY"].encode()).digest()
    named = f"{kind} {value}".encode(errors="replace")
    return hashlib.blake2b(named, digest_size=16, key=secret, person=b"cadence-tries").digest()
