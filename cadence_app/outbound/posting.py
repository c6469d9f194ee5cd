"""Posting many bodies at once through the gate, each within its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import httpcore
from flask import Flask, current_app

from cadence_app.outbound import gate, tls
from cadence_app.outbound.gate import Failure, NotConnected
from cadence_app.outbound.policy import POLICIES, Kind

_LONGEST_WAIT = 24 * 3600
_ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError, UnicodeError)


@dataclass(frozen=True)
class Outgoing:
    url: str
    headers: dict[str, str]
    body: str | bytes


@dataclass(frozen=True)
class Reply:
    """What came of one post: the status and the first bytes of the answer's body, or why there is none;
    `detail` is what the machine says of that. `wait` is for how many seconds it asks to be left alone
    (RFC 9110, section 10.2.3), 0 where it doesn't."""

    at: datetime
    milliseconds: int
    status: int | None = None
    body: bytes = b""
    failure: Failure | None = None
    detail: str = ""
    wait: int = 0


class Poster:
    """Keeps its connections while it is used as a context manager. Redirects are answers like others."""

    def __init__(self, kind: Kind) -> None:
        self._kind, self._policy = kind, POLICIES[kind]

    def __enter__(self) -> Poster:
        self._runner = asyncio.Runner()
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls.context(), network_backend=_Way(app, self._kind)
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._pool.aclose())
        self._runner.close()

    def post(self, batch: Sequence[Outgoing]) -> list[Reply]:
        """Posts all at once; the replies are in the order of the batch. Never raises for one of them."""
        return self._runner.run(self._post(batch))

    async def _post(self, batch: Sequence[Outgoing]) -> list[Reply]:
        return list(await asyncio.gather(*(self._one(outgoing) for outgoing in batch)))

    async def _one(self, outgoing: Outgoing) -> Reply:
        at, began = datetime.now(UTC), time.monotonic()

        def reply(**what: Any) -> Reply:
            return Reply(at, round((time.monotonic() - began) * 1000), **what)

        try:
            gate.target_of(self._kind, outgoing.url)
            async with asyncio.timeout(self._policy.seconds):
                status, body, wait = await self._exchange(outgoing)
        except _ERRORS as error:
            return reply(failure=_failure_of(error), detail=str(error))
        return reply(status=status, body=body, wait=wait)

    async def _exchange(self, outgoing: Outgoing) -> tuple[int, bytes, int]:
        policy = self._policy
        silent = policy.silent_seconds
        async with self._pool.stream(
            "POST",
            outgoing.url,
            headers=list(outgoing.headers.items()),
            content=outgoing.body.encode() if isinstance(outgoing.body, str) else outgoing.body,
            extensions={
                "timeout": {
                    "connect": policy.connect_seconds,
                    "read": silent,
                    "write": silent,
                    "pool": None,
                }
            },
        ) as answer:
            kept = b""
            # As it came: nothing is unpacked.
            async for chunk in answer.aiter_stream():
                kept += chunk
                if len(kept) >= policy.most_bytes:
                    break
            return answer.status, kept[: policy.most_bytes], _wait_of(answer.headers)


class _Way(httpcore.AnyIOBackend):
    """Connects to an address that was looked at just before, not to whatever a second look-up would give. The
    certificate is still checked against the name."""

    def __init__(self, app: Flask, kind: Kind) -> None:
        self._app, self._kind = app, kind

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> httpcore.AsyncNetworkStream:
        seconds = timeout or POLICIES[self._kind].connect_seconds

        def look_up() -> list[str]:
            with self._app.app_context():
                return gate.find(self._kind, host, port, seconds)

        found = await asyncio.to_thread(look_up)
        for address in found[:-1]:
            try:
                return await super().connect_tcp(address, port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await super().connect_tcp(found[-1], port, timeout)


def _wait_of(headers: list[tuple[bytes, bytes]]) -> int:
    """Of Retry-After, in seconds; a date there is as good as none."""
    said = next((value for name, value in headers if name.lower() == b"retry-after"), b"").strip()
    return min(int(said), _LONGEST_WAIT) if said.isdigit() and len(said) < 10 else 0


def _failure_of(error: Exception) -> Failure:
    if isinstance(error, NotConnected):
        return error.failure
    if isinstance(error, httpcore.ConnectTimeout):
        return Failure.CONNECT_TIME
    if isinstance(error, httpcore.TimeoutException | TimeoutError):
        return Failure.TIME
    if isinstance(error, httpcore.ProtocolError):
        return Failure.PROTOCOL
    if "CERTIFICATE" in str(error):
        return Failure.CERTIFICATE
    return Failure.UNREACHABLE if isinstance(error, httpcore.ConnectError) else Failure.BROKEN
