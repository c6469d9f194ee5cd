"""The table of what Cadence connects to: one line for each kind of connection, and how far it may reach.

Which addresses are public, private or never reached is in addresses.py; gate.py asks both and connects.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from enum import StrEnum

from flask import current_app

from cadence_app.outbound import addresses

_MB = 1024 * 1024


class Kind(StrEnum):
    """What a connection is for."""

    WEBHOOK = "webhook"
    SINGLE_SIGN_ON = "single_sign_on"
    MEDIA = "media"
    CARRIER = "carrier"
    CARRIER_MEDIA = "carrier_media"
    SFTP = "sftp"
    S3 = "s3"
    FILES = "files"
    MAIL = "mail"
    PUSH = "push"
    DATABASE = "database"
    REDIS = "redis"


class Reach(StrEnum):
    """Who chose the address, and so where it may lead. Never to what addresses.never() names.

    PUBLIC: somebody else did: public addresses only. NAMED: an admin of a tenant did: public addresses, and
    the networks that the operator names in a setting. OPERATORS: the operator did, in the environment.
    """

    PUBLIC = "public"
    NAMED = "named"
    OPERATORS = "operators"


class Plain(StrEnum):
    """Where http:// may go although `schemes` has none: nowhere, to this machine as it is written (localhost,
    127.0.0.1, ::1), or to whatever is inside() too."""

    NOWHERE = "nowhere"
    HERE = "here"
    INSIDE = "inside"


@dataclass(frozen=True)
class Policy:
    """What holds for one kind of connection.

    `networks` is the setting of an operator with the networks that may be reached beside public addresses,
    `here` the one that lets this machine be reached in development. Any port will do but, for http and https,
    those of other protocols (gate.py). Every TLS certificate is verified against the host's name; no proxy of
    the environment is used; `proxy` is the setting with one that an operator gives for this kind, `hosts`
    the one with the only hosts that may be named: `push.example`, or `*.push.example` for those below it.

    `redirects` are followed one by one by whoever calls, each held to the same line; 0 are not followed.
    `most_bytes` bounds what is kept of an answer's body, once unpacked, and is held while it is read.
    `connect_seconds` bounds finding the name and connecting, `silent_seconds` each wait for the other side,
    and `seconds` the whole, by the clock.
    """

    schemes: frozenset[str]
    reach: Reach
    seconds: float
    most_bytes: int
    connect_seconds: float = 5
    silent_seconds: float = 15
    redirects: int = 0
    plain: Plain = Plain.NOWHERE
    networks: str = ""
    here: str = ""
    proxy: str = ""
    hosts: str = ""


_HTTPS = frozenset({"https"})

POLICIES: dict[Kind, Policy] = {
    Kind.WEBHOOK: Policy(
        schemes=_HTTPS,
        reach=Reach.NAMED,
        networks="WEBHOOK_PRIVATE_NETWORKS",
        here="DEV_TOOLS",
        plain=Plain.HERE,
        seconds=20,
        most_bytes=1024,
    ),
    # The whole exchange with a provider counts as one.
    Kind.SINGLE_SIGN_ON: Policy(
        schemes=_HTTPS,
        reach=Reach.NAMED,
        networks="SSO_PRIVATE_NETWORKS",
        here="SSO_LOOPBACK",
        plain=Plain.HERE,
        seconds=20,
        silent_seconds=10,
        most_bytes=512 * 1024,
    ),
    # Wherever a carrier's own API leads to, or whatever a text's webhook names.
    Kind.MEDIA: Policy(
        schemes=_HTTPS,
        reach=Reach.PUBLIC,
        seconds=25,
        connect_seconds=3,
        silent_seconds=10,
        most_bytes=10 * _MB,
        redirects=3,
    ),
    Kind.CARRIER: Policy(
        schemes=_HTTPS | {"http"},
        reach=Reach.OPERATORS,
        seconds=15,
        connect_seconds=3,
        silent_seconds=10,
        most_bytes=16 * _MB,
        proxy="CARRIER_PROXY",
    ),
    # Files at the address of a carrier's API itself, which may be a stand-in of the operator's.
    Kind.CARRIER_MEDIA: Policy(
        schemes=_HTTPS | {"http"},
        reach=Reach.OPERATORS,
        seconds=25,
        connect_seconds=3,
        silent_seconds=10,
        most_bytes=10 * _MB,
        redirects=3,
        proxy="CARRIER_PROXY",
    ),
    # An export may be large and a line slow.
    Kind.SFTP: Policy(
        schemes=frozenset({"ssh"}),
        reach=Reach.NAMED,
        networks="PRIVATE_DESTINATIONS",
        seconds=3600,
        connect_seconds=15,
        silent_seconds=60,
        most_bytes=_MB,
    ),
    # `most_bytes` beside the file that is asked for.
    Kind.S3: Policy(
        schemes=_HTTPS,
        reach=Reach.NAMED,
        networks="PRIVATE_DESTINATIONS",
        plain=Plain.INSIDE,
        seconds=3600,
        connect_seconds=15,
        silent_seconds=60,
        most_bytes=_MB,
    ),
    # The operator's own storage (FILES_URL). Who reads slowly may take a day; a silent server may not.
    # `most_bytes` beside the file that is read: the answers to the parts of the largest that is written.
    Kind.FILES: Policy(
        schemes=_HTTPS | {"http"},
        reach=Reach.OPERATORS,
        seconds=24 * 3600,
        silent_seconds=60,
        most_bytes=64 * _MB,
    ),
    # The whole of one delivery: shorter than its job (mails/service.py) and than a worker keeps a mail.
    Kind.MAIL: Policy(
        schemes=frozenset({"smtp"}),
        reach=Reach.OPERATORS,
        seconds=200,
        connect_seconds=15,
        silent_seconds=60,
        most_bytes=_MB,
    ),
    # What a browser names as where its notices go, so anybody who signs in: the browsers' own services alone.
    Kind.PUSH: Policy(
        schemes=_HTTPS,
        reach=Reach.PUBLIC,
        here="DEV_TOOLS",
        hosts="PUSH_SERVICES",
        seconds=20,
        most_bytes=1024,
    ),
    # Where connections of these may lead, and how long finding the name may take (own_servers.py). What goes
    # over them is as long and as large as what is asked.
    Kind.DATABASE: Policy(
        schemes=frozenset({"postgresql"}), reach=Reach.OPERATORS, seconds=math.inf, most_bytes=sys.maxsize
    ),
    Kind.REDIS: Policy(
        schemes=frozenset({"redis", "rediss"}),
        reach=Reach.OPERATORS,
        seconds=math.inf,
        most_bytes=sys.maxsize,
    ),
}


def allows(kind: Kind, address: str) -> bool:
    """Whether a connection of this kind may go to an address, as the settings are."""
    if addresses.never(address):
        return False
    policy = POLICIES[kind]
    return policy.reach == Reach.OPERATORS or addresses.public(address) or inside(kind, address)


def names(kind: Kind, host: str) -> bool:
    """Whether a host is one of those that this kind of connection may name; any is, where none are set."""
    setting = POLICIES[kind].hosts
    host = host.lower().removesuffix(".")
    return not setting or any(
        host.endswith(each[1:]) if each.startswith("*.") else host == each
        for each in current_app.config[setting]
    )


def inside(kind: Kind, address: str) -> bool:
    """Whether an address is one that is not public and that a setting opens to this kind of connection."""
    policy, settings = POLICIES[kind], current_app.config
    if addresses.never(address):
        return False
    if policy.here and settings[policy.here] and addresses.loopback(address):
        return True
    return bool(policy.networks) and addresses.within(address, settings[policy.networks])
