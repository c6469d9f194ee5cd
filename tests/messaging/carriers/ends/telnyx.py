"""Telnyx at its other end, as it documents its posts and its API."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.messaging.carriers.ends.base import SECRET, Asked, Came, FarEnd, Post


class TelnyxEnd(FarEnd):
    code = "telnyx"
    failure = ("40001", "landline")
    block = (403, "40300")
    proof = "telnyx-signature-ed25519"
    lists = True
    has_list = True
    id_path = ("data", "payload", "id")
    wrong = ("public_key", "no key", "Public key")

    def __init__(self) -> None:
        self.signing_key = Ed25519PrivateKey.generate()

    def values(self) -> dict[str, str]:
        public = self.signing_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        key = base64.b64encode(public).decode()
        return {"public_key": key, "messaging_profile_id": "profile-1", "api_key": SECRET}

    def event(
        self, number: str, body: str, message_id: str, to: str, files: Sequence[tuple[str, str]], **more: Any
    ) -> dict[str, Any]:
        payload = {
            "id": message_id,
            "direction": "inbound",
            "from": {"phone_number": number},
            "to": [{"phone_number": to, "status": "webhook_delivered"}],
            "text": body,
            "media": [
                {"url": url, "content_type": content_type, "size": None, "hash_sha256": None, **more}
                for url, content_type in files
            ],
        }
        return {"data": {"event_type": "message.received", "payload": payload}}

    def proven(self, body: str, address: str = "", at: int | None = None) -> Post:
        stamp = str(at or int(time.time()))
        signature = self.signing_key.sign(f"{stamp}|{body}".encode())
        headers = {
            "Content-Type": "application/json",
            "telnyx-timestamp": stamp,
            "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
        }
        return Post(body.encode(), headers)

    def receipt(self, address: str, message_id: str, key: str, to: str, fate: str, code: str) -> Post:
        payload = {
            "id": message_id,
            "to": [{"phone_number": to, "status": {"failed": "delivery_failed"}.get(fate, fate)}],
            "tags": [key],
            "errors": [{"code": code, "title": "No"}] if code else [],
        }
        kind = "message.sent" if fate == "sent" else "message.finalized"
        return self.posted({"data": {"event_type": kind, "payload": payload}}, address)

    @classmethod
    def serves(cls, path: str) -> bool:
        return path.startswith("/v2/")

    @classmethod
    def post(cls, asked: Asked, raw: str) -> None:
        told = json.loads(raw)
        assert asked.headers["Authorization"].startswith("Bearer ")
        key = told["tags"][0]
        asked.api.attached[key] = told.get("media_urls", [])
        text = (told["from"], told["to"], told["text"], key, uuid.uuid4().hex)
        asked.take(text, {"data": {"record_type": "message", "id": text[4], "tags": [key]}}, _refusal)

    @classmethod
    def get(cls, asked: Asked) -> None:
        assert asked.headers["Authorization"].startswith("Bearer ")
        api, wanted = asked.api, asked.path.rpartition("/")[2]
        if asked.path == "/v2/messaging_optouts":
            _page(asked, [{"to": each} for each in api.blocked])
        elif api.out_of_reach:
            asked.answer(500, {})
        elif asked.path.startswith("/v2/messages/"):
            found = next((each for each in api.came if each.id == wanted and not each.forgotten), None)
            asked.answer(200 if found else 404, {"data": _message(found)} if found else {"errors": []})
        else:
            assert asked.path == "/v2/detail_records"
            query = asked.query
            api.listed.append(query)
            assert (query["filter[record_type]"], query["filter[direction]"]) == ("messaging", "inbound")
            since = query["filter[created_at][gte]"]
            came = sorted(
                (each for each in api.came if each.at.isoformat() >= since), key=lambda each: each.at
            )
            _page(asked, [_record(each) for each in came])


def _page(asked: Asked, items: list[dict[str, Any]]) -> None:
    page, size = int(asked.query["page[number]"]), 2
    shown = items[(page - 1) * size : page * size]
    asked.answer(200, {"data": shown, "meta": {"total_pages": -(-len(items) // size)}})


def _refusal(status: int, code: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "title": "Blocked", "detail": "It is blocked"}]}


def _record(came: Came) -> dict[str, Any]:
    return {
        "record_type": "message_detail_record",
        "uuid": came.id,
        "cli": came.sender,
        "cld": came.to,
        "direction": "inbound",
        "created_at": came.at.isoformat(),
    }


def _message(came: Came) -> dict[str, Any]:
    return {
        "id": came.id,
        "direction": "inbound",
        "from": {"phone_number": came.sender},
        "to": [{"phone_number": came.to}],
        "text": came.body,
        "received_at": came.at.isoformat(),
        "media": [{"url": f"https://media.telnyx.example/{each}"} for each in came.files],
    }
