"""A push service on this machine, over TLS, and browsers that are told by it: each decrypts what comes for
it, and looks at who sent it, as a real one does."""

from __future__ import annotations

import json
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from cadence_app.alerts.encoding import decoded, encoded
from tests.world import Browser

Answer = tuple[int, dict[str, str]]


@dataclass
class Phone:
    """A browser's subscription at the service."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))
    server_key: str = ""
    said: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[], Answer] = lambda: (201, {})

    @property
    def given(self) -> dict[str, str]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"endpoint": self.endpoint, "p256dh": encoded(point), "auth": encoded(self.auth)}

    @property
    def titles(self) -> list[str]:
        return [said["title"] for said in self.said]

    def turn_on(self, browser: Browser) -> None:
        """What notices.js does once the person has allowed it."""
        page = browser.get("/account/notifications")
        self.server_key = page.text.partition('data-key="')[2].partition('"')[0]
        assert self.post(browser, "", self.given) == 201

    def post(self, browser: Browser, what: str, sent: object) -> int:
        browser.get("/account/notifications")
        path = f"/account/notifications/browsers{what}"
        answer = browser.client.post(path, json=sent, headers={"X-CSRFToken": browser.token})
        return answer.status_code

    def take(self, headers: dict[str, str], body: bytes) -> Answer:
        status, more = self.answer()
        if status == 201:
            plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
            self.said.append(json.loads(plain))
            self.headers.append(headers)
        return status, more

    def claims(self, header: str) -> dict[str, Any]:
        """Who says that they sent a notice, by a signature of the key that this browser was given."""
        scheme, _, rest = header.partition(" ")
        token, key = (part.partition("=")[2] for part in rest.split(", "))
        assert (scheme, key) == ("vapid", self.server_key)
        point = decoded(key)
        x, y = encoded(point[1:33]), encoded(point[33:])
        jwk: dict[str, str | list[str]] = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        return dict(jwt.decode(token, ECKey.import_key(jwk), algorithms=["ES256"]).claims)


@dataclass
class PushService:
    url: str
    phones: dict[str, Phone] = field(default_factory=dict)

    def phone(self) -> Phone:
        path = f"/send/{os.urandom(16).hex()}"
        self.phones[path] = Phone(self.url + path)
        return self.phones[path]


@contextmanager
def push_service(certificate: Path) -> Iterator[PushService]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more = here.phones[self.path].take(headers, body)
            self.send_response(status)
            for name, value in (more | {"content-length": "0"}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    here = PushService(f"https://localhost:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield here
    server.shutdown()
    thread.join()
    server.server_close()
