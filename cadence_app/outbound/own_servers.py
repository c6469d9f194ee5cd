"""The operator's own PostgreSQL and Redis: their drivers connect to the addresses that the gate looked at.

The drivers open their connections themselves. They are given the address beside the name, so that none looks
it up again; certificates are verified against the name as ever. Sockets of this machine (unix:) are no matter
of the gate.
"""

from __future__ import annotations

import os
import socket
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from redis.connection import Connection as RedisConnection
from redis.connection import SSLConnection

from cadence_app.outbound import gate
from cadence_app.outbound.policy import POLICIES, Kind

_PORT = 5432


def database_connection(url: str, **options: Any) -> psycopg.Connection[Any]:
    """Connects to a PostgreSQL. Errors: psycopg.OperationalError, for an address that is not allowed too."""
    return psycopg.connect(**_pinned(conninfo_to_dict(url, **options)))


def pin(dialect: object, record: object, arguments: list[Any], options: dict[str, Any]) -> None:
    """For "do_connect" of an engine of SQLAlchemy with psycopg. Errors: as database_connection()."""
    options.update(_pinned(options))


def _pinned(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a connection with an address for each host of theirs, in hostaddr. A host that has
    several stands there once for each, for libpq tries one after the other. Source: PostgreSQL's manual,
    34.1.1 and 34.1.2."""

    def said(name: str, default: str = "") -> list[str]:
        value = options.get(name) or os.environ.get(f"PG{name.upper()}") or default
        return str(value).split(",") if value else []

    hosts, given, ports = said("host"), said("hostaddr"), said("port", str(_PORT))
    if not hosts and not given:
        if options.get("service") or os.environ.get("PGSERVICE"):
            raise psycopg.OperationalError("the host must stand in the URL, not in a service file")
        # A socket of this machine.
        return options
    hosts = hosts or [""] * len(given)
    given = given or [""] * len(hosts)
    ports = ports * len(hosts) if len(ports) == 1 else ports
    if not len(hosts) == len(given) == len(ports):
        raise psycopg.OperationalError("as many ports and addresses as hosts are needed, or one port")
    found: list[tuple[str, str, str]] = []
    problem: gate.NotConnected | None = None
    for host, address, port in zip(hosts, given, ports, strict=True):
        port = port or str(_PORT)
        if not address and (not host or host[0] in "/@"):
            found.append((host, "", port))
            continue
        try:
            every = gate.find(Kind.DATABASE, address or host, _number(port), _seconds(options))
        except gate.Refused as error:
            raise psycopg.OperationalError(str(error)) from error
        except gate.NotConnected as error:
            # Another host may answer.
            problem = error
        else:
            found += [(host, each, port) for each in every]
    if not found:
        raise psycopg.OperationalError(str(problem)) from problem
    columns = (",".join(column) for column in zip(*found, strict=True))
    return options | dict(zip(("host", "hostaddr", "port"), columns, strict=True))


def _number(port: str) -> int:
    try:
        return int(port)
    except ValueError as error:
        raise psycopg.OperationalError(f"the port {port!r} is not a number") from error


def _seconds(options: dict[str, Any]) -> float:
    return float(options.get("connect_timeout") or POLICIES[Kind.DATABASE].connect_seconds)


def redis_options(url: str) -> dict[str, Any]:
    """What redis.from_url() needs beside the URL, to connect through the gate."""
    scheme = url.partition("://")[0]
    return {"connection_class": _GATED[scheme]} if scheme in _GATED else {}


class _Gated(RedisConnection):
    """redis-py's, which is told an address instead of the name for as long as it connects."""

    def _connect(self) -> socket.socket:
        name = self.host
        seconds = self.socket_connect_timeout or POLICIES[Kind.REDIS].connect_seconds
        found = gate.find(Kind.REDIS, name, self.port, seconds)
        try:
            for address in found[:-1]:
                self.host = address
                try:
                    return self._opened()
                except OSError:
                    continue
            self.host = found[-1]
            return self._opened()
        finally:
            self.host = name

    def _opened(self) -> socket.socket:
        opened: socket.socket = super()._connect()
        return opened


class _GatedTls(SSLConnection, _Gated):
    """The same with TLS: it wraps what the other opens, when that has its name again."""


_GATED = {"redis": _Gated, "rediss": _GatedTls}
