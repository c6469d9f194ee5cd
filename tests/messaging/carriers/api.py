"""The carriers' APIs over HTTP, as they document their requests and answers, in one local server."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import sqlalchemy as sa
from flask import Flask

from cadence_app.messaging.carriers import gaps
from tests.messaging.carriers import sns


@dataclass
class Came:
    """A text that a carrier got for us: from, to, words, its id and when. Files are addresses at the carrier,
    and of one that is `forgotten` it has the record and not the words."""

    sender: str
    to: str
    body: str | None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    files: list[str] = field(default_factory=list)
    forgotten: bool = False


@dataclass
class Api:
    """`taken` are the texts the carriers have, each (from, to, body, key, id). `plan` holds what happens to
    the next posts, in order: a status, a (status, code), or `lost` for one that is taken without an answer;
    without a plan every text is taken. `files` are what the carriers keep of texts with files, by path:
    (status, type, content), where the type of a redirect is the address it leads to; `asked` says who asked
    for them with which credentials, and `meanwhile` is done before one is answered. `attached` are the
    addresses of files that came with a text of ours, by its key. `came` are texts that the carriers got for
    us and list, `listed` what they were asked for, and while `out_of_reach` they list nothing.
    `self_managed` are numbers whose opt outs
    AWS leaves to us, and `confirmed` what SNS was asked to confirm."""

    taken: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    plan: list[Any] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    meanwhile: Callable[[], object] | None = None
    attached: dict[str, list[str]] = field(default_factory=dict)
    came: list[Came] = field(default_factory=list)
    listed: list[dict[str, str]] = field(default_factory=list)
    out_of_reach: bool = False
    url: str = ""
    self_managed: list[str] = field(default_factory=list)
    confirmed: list[dict[str, str]] = field(default_factory=list)
    certificates_asked: list[str] = field(default_factory=list)


LOST = "lost"
_LEAVE = sa.text("UPDATE messages SET state = 'suppressed' WHERE state IN ('queued', 'sending')")
SECRET = "a secret of the carrier"
URLS = ("TWILIO_API_URL", "TELNYX_API_URL", "BANDWIDTH_API_URL", "AWS_API_URL")


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        path = urlsplit(self.path).path
        if path.startswith("/2010-04-01/Accounts/"):
            form = {name: values[0] for name, values in parse_qs(raw).items()}
            key = parse_qs(urlsplit(form["StatusCallback"]).query)["text"][0]
            self.server.api.attached[key] = parse_qs(raw).get("MediaUrl", [])
            self._take(form["From"], form["To"], form["Body"], key, "SM")
        elif path == "/v2/messages":
            text = json.loads(raw)
            assert self.headers["Authorization"].startswith("Bearer ")
            self.server.api.attached[text["tags"][0]] = text.get("media_urls", [])
            self._take(text["from"], text["to"], text["text"], text["tags"][0], "")
        elif path == "/":
            self._aws(raw)
        else:
            text = json.loads(raw)
            assert self.headers["Authorization"].startswith("Basic ")
            self.server.api.attached[text["tag"]] = text.get("media", [])
            self._take(text["from"], text["to"][0], text["text"], text["tag"], "")

    def _aws(self, raw: str) -> None:
        assert self.headers["Content-Type"] == "application/x-amz-json-1.0"
        assert sns.well_signed("POST", "/", dict(self.headers), raw.encode(), SECRET)
        asked, api = json.loads(raw), self.server.api
        operation = self.headers["X-Amz-Target"].removeprefix("PinpointSMSVoiceV2.")
        if operation == "SendTextMessage":
            sender, to = asked["OriginationIdentity"], asked["DestinationPhoneNumber"]
            self._take(sender, to, asked["MessageBody"], asked["Context"]["cadence"], "")
        elif operation == "DescribeOptedOutNumbers":
            assert asked["OptOutListName"] == "Default"
            listed = [{"OptedOutNumber": number, "EndUserOptedOut": True} for number in api.blocked]
            self._page(asked, "OptedOutNumbers", listed)
        else:
            assert operation == "DescribePhoneNumbers"
            owned = [{"PhoneNumber": each, "SelfManagedOptOutsEnabled": True} for each in api.self_managed]
            others = [
                {"PhoneNumber": f"+1212555010{n}", "SelfManagedOptOutsEnabled": False} for n in range(3)
            ]
            self._page(asked, "PhoneNumbers", [*others, *owned])

    def _page(self, asked: dict[str, Any], name: str, items: list[dict[str, Any]]) -> None:
        assert 1 <= asked["MaxResults"] <= 100
        start, size = int(asked.get("NextToken", 0)), 2
        more = {"NextToken": str(start + size)} if start + size < len(items) else {}
        self._answer(200, {name: items[start : start + size], **more})

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.startswith("/files/"):
            self._give(parts.path)
            return
        if parts.path == "/":
            self.server.api.confirmed.append(query)
            self._answer(self.server.api.plan.pop(0) if self.server.api.plan else 200, {})
            return
        if parts.path.endswith(".pem"):
            self.server.api.certificates_asked.append(parts.path)
            certificate = sns.CERTIFICATES.get(parts.path)
            self._answer(200 if certificate else 404, certificate or {})
            return
        if parts.path == "/v2/messaging_optouts":
            page, size = int(query["page[number]"]), 2
            numbers = self.server.api.blocked
            shown = numbers[(page - 1) * size : page * size]
            pages = -(-len(numbers) // size)
            self._answer(200, {"data": [{"to": each} for each in shown], "meta": {"total_pages": pages}})
            return
        if self._lists(parts.path, query):
            return
        found = [each for each in self.server.api.taken if each[:2] == (query["From"], query["To"])]
        listed = [_twilio_message(*each) for each in reversed(found)]
        self._answer(200, {"messages": listed, "page": 0, "page_size": 50, "next_page_uri": None})

    def _lists(self, path: str, query: dict[str, str]) -> bool:
        """Answers who asks for what came."""
        api, asked_for = self.server.api, path.rpartition("/")[2]
        if "From" in query or not path.startswith(("/2010", "/v2/detail_records", "/v2/messages/")):
            return False
        if api.out_of_reach:
            self._answer(500, {})
        elif path.startswith("/v2/messages/"):
            assert self.headers["Authorization"].startswith("Bearer ")
            found = next((each for each in api.came if each.id == asked_for and not each.forgotten), None)
            self._answer(200 if found else 404, {"data": _telnyx_message(found)} if found else {"errors": []})
        elif path.startswith("/v2/"):
            self._list_records(query)
        elif asked_for == "Media.json":
            sid = path.split("/")[-2]
            files = next(each.files for each in api.came if each.id == sid)
            media = [{"uri": f"{path[:-5]}/{each}.json", "content_type": "image/png"} for each in files]
            self._answer(200, {"media_list": media, "next_page_uri": None})
        else:
            assert self.headers["Authorization"].startswith("Basic ")
            api.listed.append(query)
            since = datetime.fromisoformat(query["DateSent>"])
            came = sorted(api.came, key=lambda each: each.at, reverse=True)
            shown = [_twilio_came(each) for each in came if each.to == query["To"] and each.at >= since]
            self._answer(200, {"messages": shown, "page": 0, "page_size": 1000, "next_page_uri": None})
        return True

    def _list_records(self, query: dict[str, str]) -> None:
        api, size, page = self.server.api, 2, int(query["page[number]"])
        api.listed.append(query)
        assert (query["filter[record_type]"], query["filter[direction]"]) == ("messaging", "inbound")
        since = query["filter[created_at][gte]"]
        came = sorted((each for each in api.came if each.at.isoformat() >= since), key=lambda each: each.at)
        shown = [
            {
                "record_type": "message_detail_record",
                "uuid": each.id,
                "cli": each.sender,
                "cld": each.to,
                "direction": "inbound",
                "created_at": each.at.isoformat(),
            }
            for each in came[(page - 1) * size : page * size]
        ]
        self._answer(200, {"data": shown, "meta": {"total_pages": -(-len(came) // size)}})

    def _give(self, path: str) -> None:
        api = self.server.api
        api.asked.append((path, self.headers.get("Authorization", "")))
        if api.meanwhile:
            api.meanwhile()
        status, content_type, content = api.files.get(path, (404, "text/plain", b"There is no such file"))
        self.send_response(status)
        self.send_header("Location" if status in {302, 307} else "Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(content)

    def _take(self, sender: str, to: str, body: str, key: str, prefix: str) -> None:
        api = self.server.api
        step = api.plan.pop(0) if api.plan else 200
        if isinstance(step, tuple):
            self._refuse(*step)
        elif step not in {200, LOST}:
            self._answer(step, {})
        else:
            message = (sender, to, body, key, prefix + uuid.uuid4().hex)
            api.taken.append(message)
            if step == LOST:
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self._answer(202 if "/api/v2/" in self.path else 201, self._receipt(message))

    def _receipt(self, message: tuple[str, str, str, str, str]) -> dict[str, Any]:
        if self.path.startswith("/2010"):
            return _twilio_message(*message)
        if self.path == "/":
            return {"MessageId": message[4]}
        if self.path.startswith("/v2/"):
            return {"data": {"record_type": "message", "id": message[4], "tags": [message[3]]}}
        return {"id": message[4], "owner": message[0], "to": [message[1]], "tag": message[3]}

    def _refuse(self, status: int, code: str) -> None:
        if self.path.startswith("/2010"):
            self._answer(status, {"code": int(code), "message": "Attempt to send failed", "status": status})
        elif self.path == "/":
            kind = code if code.endswith("Exception") else "ConflictException"
            named = {"__type": f"com.amazonaws.pinpointsmsvoicev2#{kind}", "Message": "It is not possible."}
            self._answer(status, named if kind == code else {**named, "Reason": code})
        elif self.path.startswith("/v2/"):
            self._answer(status, {"errors": [{"code": code, "title": "Blocked", "detail": "It is blocked"}]})
        else:
            self._answer(status, {"type": code, "description": "The request is not valid"})

    def _answer(self, status: int, body: dict[str, Any] | bytes) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in self.server.api.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    api: Api


def _twilio_message(sender: str, to: str, body: str, key: str, sid: str) -> dict[str, Any]:
    at = format_datetime(datetime.now(UTC))
    return {"sid": sid, "from": sender, "to": to, "body": body, "date_sent": at, "status": "queued"}


def _twilio_came(came: Came) -> dict[str, Any]:
    return {
        "sid": came.id,
        "from": came.sender,
        "to": came.to,
        "body": came.body,
        "date_sent": format_datetime(came.at),
        "direction": "inbound",
        "status": "received",
        "num_media": str(len(came.files)),
    }


def _telnyx_message(came: Came) -> dict[str, Any]:
    return {
        "id": came.id,
        "direction": "inbound",
        "from": {"phone_number": came.sender},
        "to": [{"phone_number": came.to}],
        "text": came.body,
        "received_at": came.at.isoformat(),
        "media": [{"url": f"https://media.telnyx.example/{each}"} for each in came.files],
    }


@contextmanager
def carrier_server() -> Iterator[tuple[Api, str]]:
    """The carriers and their address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.api = Api(url=f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.api, server.api.url
    server.shutdown()
    server.server_close()


@contextmanager
def carrier_api(app: Flask) -> Iterator[Api]:
    """The application's carriers are this server meanwhile. Texts that earlier tests left are not sent to it,
    though a sweep is one of all tenants."""
    owner = sa.create_engine(app.config["SUPERUSER_URL"])
    with owner.begin() as connection:
        connection.execute(_LEAVE)
    owner.dispose()
    with carrier_server() as (api, address):
        usual = {name: app.config[name] for name in URLS}
        app.config.update(dict.fromkeys(URLS, address))
        with app.app_context():
            gaps.beat()
        yield api
        app.config.update(usual)
