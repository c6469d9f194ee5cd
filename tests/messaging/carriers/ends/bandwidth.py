"""Bandwidth at its other end, as it documents its posts and its API."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Sequence
from typing import Any

from tests.messaging.carriers.ends.base import SECRET, Asked, FarEnd, Post


class BandwidthEnd(FarEnd):
    code = "bandwidth"
    failure = ("9", "carrier-rejected (code 9)")
    proof = "Authorization"
    signs_body = False
    wants_password = True
    tells_types = False
    id_path = (0, "message", "id")

    def values(self) -> dict[str, str]:
        return {
            "account_id": "5500000",
            "application_id": "app-1",
            "api_user": "cadence",
            "api_password": SECRET,
            "webhook_user": "carrier",
            "webhook_password": SECRET,
        }

    def event(
        self, number: str, body: str, message_id: str, to: str, files: Sequence[tuple[str, str]], **more: Any
    ) -> list[dict[str, Any]]:
        message: dict[str, Any] = {
            "id": message_id,
            "owner": to,
            "to": [to],
            "from": number,
            "text": body,
            "direction": "in",
        }
        if files:
            message["media"] = [url for url, _ in files]
        return [{"type": "message-received", "to": to, "message": message}]

    def proven(self, body: str, address: str = "", password: str = SECRET) -> Post:
        given = base64.b64encode(f"carrier:{password}".encode()).decode()
        return Post(body.encode(), {"Content-Type": "application/json", "Authorization": f"Basic {given}"})

    def receipt(self, address: str, message_id: str, key: str, to: str, fate: str, code: str) -> Post:
        kind = {"sent": "message-sending"}.get(fate, f"message-{fate}")
        event = {"type": kind, "message": {"id": message_id, "tag": key}, "time": "2026-01-01T00:00:00Z"}
        event |= {"errorCode": code, "description": "carrier-rejected"} if code else {}
        return self.posted([event], address)

    @classmethod
    def serves(cls, path: str) -> bool:
        return path.startswith("/api/v2/")

    @classmethod
    def post(cls, asked: Asked, raw: str) -> None:
        told = json.loads(raw)
        assert asked.headers["Authorization"].startswith("Basic ")
        asked.api.attached[told["tag"]] = told.get("media", [])
        text = (told["from"], told["to"][0], told["text"], told["tag"], uuid.uuid4().hex)
        receipt = {"id": text[4], "owner": text[0], "to": [text[1]], "tag": text[3]}
        asked.take(text, receipt, _refusal, status=202)


def _refusal(status: int, code: str) -> dict[str, Any]:
    return {"type": code, "description": "The request is not valid"}
