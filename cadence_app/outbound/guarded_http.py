"""Requests over HTTP through the gate: an httpx client with connections, times and sizes of the policy."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx
from flask import current_app
from httpx import Client as HttpClient
from httpx import HTTPError, HTTPStatusError, Response

from cadence_app.outbound import gate, tls
from cadence_app.outbound.bodies import Garbled, TooLarge, unpacked
from cadence_app.outbound.gate import Failure, NotConnected
from cadence_app.outbound.policy import POLICIES, Kind

# What callers catch and read; they have no httpx of their own.
__all__ = [
    "HTTPError",
    "HTTPStatusError",
    "HttpClient",
    "NoAnswer",
    "Response",
    "client",
    "read_json",
    "request",
]


class NoAnswer(httpx.TransportError):
    """No answer came, or one that is not kept. `sent` is whether the other side may have got the request."""

    def __init__(self, failure: Failure, text: str, sent: bool) -> None:
        super().__init__(text)
        self.failure, self.sent = failure, sent


def client(kind: Kind, until: float | None = None, **options: Any) -> HttpClient:
    """A client whose every request is held to the policy of its kind, and gets its time; with `until` (of
    time.monotonic()) all its requests together. Redirects are answers like others. Errors of each request:
    NoAnswer."""
    # The environment has proxies and passwords (.netrc), which are not for these.
    made = HttpClient(
        transport=_Transport(kind, until),
        trust_env=False,
        follow_redirects=False,
        timeout=POLICIES[kind].seconds,
        **options,
    )
    # Instead of all that httpx knows how to unpack.
    made.headers["Accept-Encoding"] = "gzip"
    made.headers["User-Agent"] = "Cadence"
    return made


def request(kind: Kind, method: str, url: str, **options: Any) -> Response:
    """One request by a client of its own. Errors: NoAnswer."""
    with client(kind) as once:
        return once.request(method, url, **options)


def read_json(asking: HttpClient, method: str, url: str, **options: Any) -> tuple[int, dict[str, Any]]:
    """The status and the JSON object of an answer, empty where it has none. Errors: NoAnswer."""
    answer = asking.request(method, url, **options)
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        found = None
    return answer.status_code, found if isinstance(found, dict) else {}


class _Transport(httpx.BaseTransport):
    """One connection for each request: these are few and far between, and none is kept for somebody else."""

    def __init__(self, kind: Kind, until: float | None) -> None:
        self._kind, self._until = kind, until

    def handle_request(self, request: httpx.Request) -> Response:
        policy, url = POLICIES[self._kind], request.url
        until = time.monotonic() + policy.seconds
        until = until if self._until is None else min(until, self._until)
        with _in_words():
            target = gate.target_of(self._kind, str(url))
            way = _Way(self._kind, until, plain=target.scheme == "http")
            options: dict[str, Any] = {
                "ssl_context": tls.context(),
                "max_connections": 1,
                "max_keepalive_connections": 0,
                "network_backend": way,
            }
            proxy = current_app.config[policy.proxy] if policy.proxy else ""
            pool = httpcore.HTTPProxy(proxy, **options) if proxy else httpcore.ConnectionPool(**options)
            try:
                answer = pool.handle_request(
                    httpcore.Request(
                        request.method,
                        httpcore.URL(
                            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                        ),
                        headers=request.headers.raw,
                        content=request.stream,
                    )
                )
                headers = httpx.Headers(answer.headers)
                body = _Body(pool, answer, headers.get("Content-Encoding", ""), policy.most_bytes)
            except BaseException:
                pool.close()
                raise
        # The body is unpacked by the time anybody sees it.
        for name in ("Content-Encoding", "Content-Length"):
            headers.pop(name, None)
        return Response(answer.status, headers=headers, stream=body)


class _Body(httpx.SyncByteStream):
    def __init__(
        self, pool: httpcore.ConnectionPool, answer: httpcore.Response, encoding: str, most: int
    ) -> None:
        self._pool, self._answer = pool, answer
        self._pieces = unpacked(answer.iter_stream(), encoding, most)

    def __iter__(self) -> Iterator[bytes]:
        with _in_words():
            yield from self._pieces

    def close(self) -> None:
        self._answer.close()
        self._pool.close()


class _Way(httpcore.NetworkBackend):
    """Opens connections through the gate, and ends them when the time is over."""

    def __init__(self, kind: Kind, until: float, plain: bool) -> None:
        self._kind, self._until, self._plain = kind, until, plain

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:
        opened = gate.connect(self._kind, host, port, self._until, self._plain)
        return _Stream(opened, self._until, POLICIES[self._kind].silent_seconds)


class _Stream(httpcore.NetworkStream):
    """A connection, each wait of which is the shorter of the silence that is put up with and the time that is
    left: who answers a byte at a time gets no more of it."""

    def __init__(self, opened: Any, until: float, silent_seconds: float) -> None:
        self._socket, self._until, self._silent_seconds = opened, until, silent_seconds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._wait()
        found: bytes = self._socket.recv(max_bytes)
        return found

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        while buffer:
            self._wait()
            buffer = buffer[self._socket.send(buffer) :]

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            self._wait()
            wrapped = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise NotConnected(Failure.CERTIFICATE, error.verify_message) from error
        except TimeoutError as error:
            self.close()
            raise NotConnected(Failure.CONNECT_TIME, "No connection came about in time.") from error
        except OSError as error:
            self.close()
            raise NotConnected(Failure.UNREACHABLE, "No secure connection came about.") from error
        return _Stream(wrapped, self._until, self._silent_seconds)

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        return self._socket if info == "socket" else None

    def _wait(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(min(left, self._silent_seconds))


@contextmanager
def _in_words() -> Iterator[None]:
    """Everything that can go wrong on the way, as NoAnswer."""
    try:
        yield
    except NotConnected as error:
        raise NoAnswer(error.failure, str(error), sent=False) from error
    except TooLarge as error:
        raise NoAnswer(Failure.SIZE, "The answer is larger than it may be.", sent=True) from error
    except Garbled as error:
        raise NoAnswer(Failure.PROTOCOL, f"The answer can't be unpacked: {error}.", sent=True) from error
    except TimeoutError as error:
        raise NoAnswer(Failure.TIME, "No whole answer came in time.", sent=True) from error
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise NoAnswer(Failure.PROTOCOL, "The answer is no HTTP that can be read.", sent=True) from error
    except (OSError, httpcore.NetworkError) as error:
        raise NoAnswer(Failure.BROKEN, "The connection broke off.", sent=True) from error
