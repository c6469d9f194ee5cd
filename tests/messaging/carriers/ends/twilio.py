"""Twilio at its other end, as it documents its posts and its API, without its library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.messaging.carriers.ends.base import SECRET, Asked, Came, FarEnd, Post


class TwilioEnd(FarEnd):
    code = "twilio"
    failure = ("30006", "landline")
    block = (400, "21610")
    proof = "X-Twilio-Signature"
    is_form = True
    wants_password = True
    lists = True
    finds_lost = True
    wrong = ("account_sid", "AC123", "Account SID")

    def values(self) -> dict[str, str]:
        return {"account_sid": "AC" + "0" * 32, "auth_token": SECRET}

    def event(
        self, number: str, body: str, message_id: str, to: str, files: Sequence[tuple[str, str]], **more: Any
    ) -> dict[str, str]:
        more |= {"NumMedia": str(len(files))}
        for index, (url, content_type) in enumerate(files):
            more |= {f"MediaUrl{index}": url, f"MediaContentType{index}": content_type}
        return {"MessageSid": message_id, "From": number, "To": to, "Body": body, **more}

    def posted(self, event: Any, address: str) -> Post:
        return self.form(event, address)

    def proven(self, body: str, address: str) -> Post:
        return self.form({"Body": body, "From": "+12", "To": "3"}, address)

    def receipt(self, address: str, message_id: str, key: str, to: str, fate: str, code: str) -> Post:
        fields = {"MessageSid": message_id, "MessageStatus": fate, "To": to}
        return self.form(fields | ({"ErrorCode": code} if code else {}), address, f"?text={key}")

    def form(self, fields: dict[str, str], address: str, query: str = "") -> Post:
        """Signed as Twilio documents it."""
        said = address + query + "".join(name + fields[name] for name in sorted(fields))
        digest = hmac.new(SECRET.encode(), said.encode(), hashlib.sha1).digest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": base64.b64encode(digest).decode(),
        }
        return Post(urlencode(fields).encode(), headers, query)

    @classmethod
    def serves(cls, path: str) -> bool:
        return path.startswith("/2010-04-01/Accounts/")

    @classmethod
    def post(cls, asked: Asked, raw: str) -> None:
        form = {name: values[0] for name, values in parse_qs(raw).items()}
        assert asked.headers["Authorization"].startswith("Basic ")
        key = parse_qs(urlsplit(form["StatusCallback"]).query)["text"][0]
        asked.api.attached[key] = parse_qs(raw).get("MediaUrl", [])
        text = (form["From"], form["To"], form["Body"], key, "SM" + uuid.uuid4().hex)
        asked.take(text, _message(*text), _refusal)

    @classmethod
    def get(cls, asked: Asked) -> None:
        assert asked.headers["Authorization"].startswith("Basic ")
        api, query = asked.api, asked.query
        if "From" in query:
            found = [each for each in api.taken if each[:2] == (query["From"], query["To"])]
            _page(asked, "messages", [_message(*each) for each in reversed(found)])
        elif api.out_of_reach:
            asked.answer(500, {})
        elif asked.path.endswith("/Media.json"):
            sid = asked.path.split("/")[-2]
            files = next(each.files for each in api.came if each.id == sid)
            path = asked.path.removesuffix(".json")
            _page(
                asked,
                "media_list",
                [{"uri": f"{path}/{each}.json", "content_type": "image/png"} for each in files],
            )
        else:
            api.listed.append(query)
            since = datetime.fromisoformat(query["DateSent>"])
            came = sorted(api.came, key=lambda each: each.at, reverse=True)
            shown = [_came(each) for each in came if each.to == query["To"] and each.at >= since]
            _page(asked, "messages", shown)


def _page(asked: Asked, name: str, items: list[dict[str, Any]]) -> None:
    """A page of three, whatever size was asked for, and where the next one is."""
    start, size = int(asked.query.get("PageToken", 0)), 3
    more = start + size < len(items)
    query = urlencode(asked.query | {"PageToken": str(start + size)})
    uri = f"{asked.path}?{query}" if more else None
    asked.answer(200, {name: items[start : start + size], "next_page_uri": uri, "page_size": size})


def _refusal(status: int, code: str) -> dict[str, Any]:
    return {"code": int(code), "message": "Attempt to send failed", "status": status}


def _message(sender: str, to: str, body: str, key: str, sid: str) -> dict[str, Any]:
    at = format_datetime(datetime.now(UTC))
    return {"sid": sid, "from": sender, "to": to, "body": body, "date_sent": at, "status": "queued"}


def _came(came: Came) -> dict[str, Any]:
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
