"""A receiver on a port of its own, which answers as it is told, and what tests do with endpoints."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from cadence_app.accounts.models import Team, User
from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.webhooks import jobs, service
from cadence_app.webhooks.models import WebhookDelivery, WebhookEndpoint
from cadence_app.webhooks.service import Plan
from tests.world import World


@dataclass
class Taken:
    """One request, as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def contact_id(self) -> int:
        return int(self.event["data"]["contact_id"])

    @property
    def change_id(self) -> int:
        return int(self.event["data"]["id"])


def take_all(taken: Taken) -> tuple[int, bytes]:
    return 204, b""


@dataclass
class Receiver:
    """`answer` says, for each request, the status and the body. `location` goes along with a redirect."""

    url: str
    taken: list[Taken] = field(default_factory=list)
    answer: Callable[[Taken], tuple[int, bytes]] = take_all
    location: str = ""

    @property
    def change_ids(self) -> list[int]:
        return [taken.change_id for taken in self.taken]


@contextmanager
def receiver(certificate: Path | None = None) -> Iterator[Receiver]:
    """With a certificate (a file that has the key too) it speaks HTTPS, as localhost."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken = Taken({name.lower(): value for name, value in self.headers.items()}, body)
            here.taken.append(taken)
            status, answer = here.answer(taken)
            self.send_response(status)
            if here.location:
                self.send_header("location", here.location)
            if status != 204:
                self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        # A batch of many senders connects at once; a full queue would cost each of them a second.
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    here = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        here.url = f"https://localhost:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield here
    server.shutdown()
    thread.join()
    server.server_close()


def add_endpoint(
    world: World, url: str, sources: tuple[Source, ...] = (), team_ids: tuple[int, ...] = ()
) -> tuple[int, str]:
    """The id and the secret of a new endpoint of the admin's."""
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        teams = [db.session.get_one(Team, team_id) for team_id in team_ids]
        endpoint, secret = service.add_endpoint(admin, Plan(url, "", sources, teams))
        return endpoint.id, secret


def set_status(
    world: World,
    contact_id: int,
    status: Status = Status.OPTED_OUT,
    source: Source = Source.TOGGLE,
    team_id: int | None = None,
) -> int:
    """The id of the change it makes."""
    with world.session():
        change_id = record_change(Change(contact_id, team_id or world.team_id, status, source))
        db.session.commit()
        assert change_id
        return change_id


def changes_of(world: World, contact_id: int, count: int) -> list[int]:
    """So many changes of one contact, the first an opt out; their ids."""
    statuses = [Status.OPTED_OUT, Status.OPTED_IN]
    return [set_status(world, contact_id, statuses[number % 2]) for number in range(count)]


def deliver(world: World, endpoint_id: int) -> None:
    """The worker's part, in this process."""
    with world.app.app_context():
        jobs.deliver_webhooks(world.tenant_id, endpoint_id)


def deliveries(world: World, endpoint_id: int) -> list[WebhookDelivery]:
    """Oldest first, detached, with their tries."""
    with world.session():
        query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
        rows = list(db.session.scalars(query.order_by(WebhookDelivery.id)))
        for row in rows:
            assert row.tries is not None
        db.session.expunge_all()
        return rows


def endpoint_row(world: World, endpoint_id: int) -> WebhookEndpoint:
    with world.session():
        endpoint = db.session.get_one(WebhookEndpoint, endpoint_id)
        db.session.expunge_all()
        return endpoint


def set_endpoint(world: World, endpoint_id: int, **values: object) -> None:
    with world.session():
        db.session.execute(update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).values(**values))
        db.session.commit()


def let_time_pass(world: World, endpoint_id: int) -> None:
    """Lets whatever waits for its next try be due."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with world.session():
        db.session.execute(
            update(WebhookDelivery)
            .where(WebhookDelivery.endpoint_id == endpoint_id)
            .values(next_attempt_at=past)
        )
        db.session.commit()
