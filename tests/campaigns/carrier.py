"""A carrier over HTTP for tests: it counts what it is given, forgets nothing, and does not mind the same key
twice, so that a second text to somebody shows."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from cadence_app.messaging.providers.base import Driver, Outgoing, Sent

NAME = "counting"


class CountingCarrier(ThreadingHTTPServer):
    """`texts` is every body by the number it went to, `came_at` when each one's last came
    (time.monotonic()); `ids` the receipt by key. It answers `delay` (s) after a text has come, and is `busy`
    until then, so that a kill may fall between the two."""

    # As many may come at once as a sender has under way.
    request_queue_size = 512

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.texts: dict[str, list[str]] = defaultdict(list)
        self.came_at: dict[str, float] = {}
        self.ids: dict[str, str] = {}
        self.delay, self.asked, self.busy, self.lock = delay, 0, False, threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    @property
    def total(self) -> int:
        return sum(len(bodies) for bodies in self.texts.values())


class _Handler(BaseHTTPRequestHandler):
    server: CountingCarrier

    def do_POST(self) -> None:
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.came_at[text["to"]] = time.monotonic()
            self.server.texts[text["to"]].append(text["body"])
            self.server.ids[text["key"]] = str(uuid.uuid4())
        self.server.busy = True
        time.sleep(self.server.delay)
        self.server.busy = False
        self._answer({"id": self.server.ids[text["key"]]})

    def do_GET(self) -> None:
        (key,) = parse_qs(urlsplit(self.path).query)["key"]
        self.server.asked += 1
        self._answer({"id": self.server.ids.get(key)})

    def _answer(self, body: dict[str, str | None]) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args: object) -> None:
        pass


class HttpProvider:
    """The client's side of it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def send(self, text: Outgoing) -> Sent:
        post = json.dumps({"to": text.to_number, "body": text.body, "key": text.key}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url, post), timeout=10) as answer:
            return Sent(json.load(answer)["id"], datetime.now(UTC))

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        with urllib.request.urlopen(f"{self.url}?key={text.key}", timeout=10) as answer:
            found = json.load(answer)["id"]
        return Sent(found, datetime.now(UTC)) if found else None


def driver_at(url: str) -> Driver:
    """The counting carrier at an address, for inboxes that name it."""
    return Driver(code=NAME, name="Counting", client=lambda _: HttpProvider(url))


@contextmanager
def counting_carrier(delay: float = 0.0) -> Iterator[CountingCarrier]:
    carrier = CountingCarrier(delay)
    threading.Thread(target=carrier.serve_forever, args=(0.02,), daemon=True).start()
    yield carrier
    carrier.shutdown()
    carrier.server_close()
