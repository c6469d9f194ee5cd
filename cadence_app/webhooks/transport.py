"""Posting many bodies at once, each within its time, to addresses that were checked."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import certifi
import httpcore
from flask import current_app

from cadence_app.webhooks.destinations import PRIVATE, Refused, addresses_of

CONNECT_SECONDS = 5
READ_SECONDS = 15
# Over all, so that a receiver can't keep us by answering a byte at a time.
_WHOLE_SECONDS = CONNECT_SECONDS + READ_SECONDS
KEPT_BYTES = 1024
_TIMEOUTS = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": READ_SECONDS, "pool": None}
_FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError, UnicodeError)


@dataclass(frozen=True)
class Outgoing:
    url: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Answer:
    """What came of one try: `status` is None where there was no answer, `error` is empty for a success, and
    `response` is the first kilobyte of the answer's body."""

    at: datetime
    milliseconds: int
    status: int | None
    error: str
    response: str = ""

    @property
    def ok(self) -> bool:
        return not self.error

    @property
    def gone(self) -> bool:
        return self.status == 410


class Sender:
    """Keeps its connections while it is used as a context manager."""

    def __enter__(self) -> Sender:
        self._runner = asyncio.Runner()
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        self._pool = httpcore.AsyncConnectionPool(ssl_context=context, network_backend=_CheckedNetwork())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._pool.aclose())
        self._runner.close()

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Posts all at once; the answers are in the order of the batch. Never raises for one of them."""
        return self._runner.run(self._send(batch))

    async def _send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        return list(await asyncio.gather(*(self._post(outgoing) for outgoing in batch)))

    async def _post(self, outgoing: Outgoing) -> Answer:
        at, began = datetime.now(UTC), time.monotonic()
        status, response, error = None, "", ""
        try:
            async with asyncio.timeout(_WHOLE_SECONDS):
                status, response = await self._exchange(outgoing)
            error = _said(status)
        except _FAILURES as raised:
            error = _in_words(raised)
        return Answer(at, round((time.monotonic() - began) * 1000), status, error, response)

    async def _exchange(self, outgoing: Outgoing) -> tuple[int, str]:
        async with self._pool.stream(
            "POST",
            outgoing.url,
            headers=list(outgoing.headers.items()),
            content=outgoing.body.encode(),
            extensions={"timeout": _TIMEOUTS},
        ) as answer:
            kept = b""
            async for chunk in answer.aiter_stream():
                kept += chunk
                if len(kept) >= KEPT_BYTES:
                    break
            return answer.status, kept[:KEPT_BYTES].decode("utf-8", "replace").replace("\x00", "\ufffd")


class _CheckedNetwork(httpcore.AnyIOBackend):
    """Connects to an address that was checked just before, not to whatever a second look-up would give. The
    certificate is still checked against the name."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        app = current_app._get_current_object()  # type: ignore[attr-defined]

        def look_up() -> list[str]:
            with app.app_context():
                return addresses_of(host, port)

        addresses = await asyncio.to_thread(look_up)
        for address in addresses[:-1]:
            try:
                return await super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


def _said(status: int) -> str:
    """What is wrong with an answer; empty for 200 to 299."""
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"Answered {status}. Redirects are not followed: give the final address."
    if status == 410:
        return "Answered 410 Gone: it wants no more events."
    return f"Answered {status}. Only 200 to 299 counts as taken."


def _in_words(error: Exception) -> str:
    if isinstance(error, Refused):
        return PRIVATE
    if isinstance(error, socket.gaierror):
        return "This host name can not be found."
    if isinstance(error, httpcore.ConnectTimeout):
        return f"No connection within {CONNECT_SECONDS} seconds."
    if isinstance(error, httpcore.TimeoutException | TimeoutError):
        return f"No whole answer within {READ_SECONDS} seconds."
    if isinstance(error, httpcore.ProtocolError):
        return "It hung up, or its answer was no HTTP that can be read."
    if "CERTIFICATE" in str(error):
        return f"Its certificate is not trusted: {error}"
    return f"No connection: {error}" if str(error) else "The connection broke off."
