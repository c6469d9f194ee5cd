"""The carriers' APIs over HTTP, as they document their requests and answers (ends/), in one local server."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import psycopg
from flask import Flask

from cadence_app.messaging.carriers import gaps
from tests.messaging.carriers.ends import CODES, ENDS
from tests.messaging.carriers.ends.base import LOST, SECRET, Api, Came, FarEnd

__all__ = ["LOST", "SECRET", "Api", "Came", "carrier_api", "carrier_server", "reach_carriers_at"]

_LEAVE = "UPDATE messages SET state = 'suppressed' WHERE state IN ('queued', 'sending')"


class _Request:
    """ends.base.Asked, for one request."""

    def __init__(self, handler: _Handler) -> None:
        parts = urlsplit(handler.path)
        self.api, self.path = handler.server.api, parts.path
        # Found in whatever case.
        self.headers = cast(Mapping[str, str], handler.headers)
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self._handler = handler

    @property
    def end(self) -> type[FarEnd]:
        return next(each for each in ENDS.values() if each.serves(self.path))

    def take(
        self,
        text: tuple[str, str, str, str, str],
        receipt: dict[str, Any],
        refusal: Callable[[int, str], dict[str, Any]],
        status: int = 201,
    ) -> None:
        step = self.api.plan.pop(0) if self.api.plan else 200
        if isinstance(step, tuple):
            self.answer(step[0], refusal(*step))
        elif step not in {200, LOST}:
            self.answer(step, {})
        else:
            self.api.taken.append(text)
            if step == LOST:
                self._handler.connection.shutdown(socket.SHUT_RDWR)
            else:
                self.answer(status, receipt)

    def answer(self, status: int, body: dict[str, Any] | bytes) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._handler.give(status, {**self.api.headers, "Content-Type": "application/json"}, content)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        raw, asked = self.rfile.read(int(self.headers["Content-Length"])).decode(), _Request(self)
        asked.end.post(asked, raw)

    def do_GET(self) -> None:
        asked = _Request(self)
        if asked.path.startswith("/files/"):
            self._file(asked.path)
        else:
            asked.end.get(asked)

    def _file(self, path: str) -> None:
        api = self.server.api
        api.asked.append((path, self.headers.get("Authorization", "")))
        if api.meanwhile:
            api.meanwhile()
        status, content_type, content = api.files.get(path, (404, "text/plain", b"There is no such file"))
        name = "Location" if status in {302, 307} else "Content-Type"
        with suppress(ConnectionError):
            self.give(status, {name: content_type}, content)

    def give(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    api: Api


@contextmanager
def carrier_server() -> Iterator[tuple[Api, str]]:
    """The carriers and their address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.api = Api(url=f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.api, server.api.url
    server.shutdown()
    server.server_close()


@contextmanager
def carrier_api(app: Flask) -> Iterator[Api]:
    """The application's carriers are this server meanwhile. Texts that earlier tests left are not sent to it,
    though a sweep is one of all tenants."""
    with psycopg.connect(app.config["SUPERUSER_URL"].replace("+psycopg", "")) as superuser:
        superuser.execute(_LEAVE)
    with carrier_server() as (api, address), reach_carriers_at(app, address):
        with app.app_context():
            gaps.beat()
        yield api


@contextmanager
def reach_carriers_at(app: Flask, address: str) -> Iterator[None]:
    """Every carrier's API is there meanwhile."""
    usual = app.config["CARRIER_API_URLS"]
    app.config["CARRIER_API_URLS"] = dict.fromkeys(CODES, address)
    yield
    app.config["CARRIER_API_URLS"] = usual
