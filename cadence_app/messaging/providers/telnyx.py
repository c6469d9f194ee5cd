"""Telnyx: its webhooks and its API.

Sources: Telnyx's documentation, "Receiving webhooks for messaging" (an Ed25519 signature over the timestamp,
a bar and the raw body, by the public key of the account's portal; five minutes' tolerance), "Send a message",
"Send & receive MMS", "Messaging error code reference" and "List opt-outs".
"""

from __future__ import annotations

import base64
import time
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Request, current_app

from cadence_app.consent.keywords import Meaning
from cadence_app.messaging.carriers.events import (
    Fate,
    Malformed,
    Media,
    Receipt,
    Text,
    media_of,
    receipt_of,
    text_of,
)
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.providers import http, words
from cadence_app.messaging.providers.base import CannotTell, MediaPlace, Outgoing, Refused, Sent

BLOCK_CODE = "40300"
# What Telnyx acts on by itself.
KEYWORDS: Mapping[str, Meaning] = {
    **dict.fromkeys(("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit"), Meaning.OUT),
    **dict.fromkeys(("start", "unstop"), Meaning.IN),
}
_TOLERANCE_SECONDS = 300
_FATES = {
    "sent": Fate.SENT,
    "delivered": Fate.DELIVERED,
    "sending_failed": Fate.FAILED,
    "delivery_failed": Fate.FAILED,
}
_PAGE = 250


def signed(account: CarrierAccount, request: Request) -> bool:
    """Whether Telnyx signed this body within the last five minutes."""
    stamp = request.headers.get("telnyx-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()) or abs(time.time() - int(stamp)) > _TOLERANCE_SECONDS:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(account.settings["public_key"]))
        signature = base64.b64decode(request.headers.get("telnyx-signature-ed25519", ""), validate=True)
        key.verify(signature, f"{stamp}|".encode() + request.get_data())
    except (InvalidSignature, ValueError):
        return False
    return True


def events(request: Request) -> list[Text | Receipt]:
    """The text or the receipt in an event; none where it is about something else. Errors: Malformed."""
    event: Any = request.get_json(force=True, silent=True)
    try:
        data = event["data"]
        kind = data["event_type"]
        if kind == "message.received":
            return [_text(data, data["payload"])]
        if kind in {"message.sent", "message.finalized"}:
            return _receipts(data, data["payload"])
        return []
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise Malformed("the event lacks what Telnyx documents") from error


def media_at(account: CarrierAccount, url: str) -> MediaPlace:
    """Where a file is fetched: from a store that wants no credentials."""
    return MediaPlace(url, own=url.startswith(f"{current_app.config['TELNYX_API_URL']}/"))


class Telnyx:
    """Sends by the API of an account."""

    def __init__(self, account: CarrierAccount) -> None:
        self._profile = account.settings["messaging_profile_id"]
        self._headers = {"Authorization": f"Bearer {account.secret('api_key')}"}
        self._base = current_app.config["TELNYX_API_URL"]

    def send(self, text: Outgoing) -> Sent:
        body: dict[str, Any] = {
            "from": text.from_number,
            "to": text.to_number,
            "text": text.body,
            "messaging_profile_id": self._profile,
            "tags": [text.key],
        }
        if text.media:
            body["media_urls"] = list(text.media)
        answer = http.post(f"{self._base}/v2/messages", body, _refused, headers=self._headers)
        return Sent(str(answer["data"]["id"]), None)

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        """Telnyx lists no texts by our key. Its events bring the key back, so whoever waits may learn."""
        raise CannotTell

    def blocked_numbers(self) -> Iterator[str]:
        """The numbers (E.164) that the account's messaging profile blocks. Errors: httpx.HTTPError."""
        page, pages = 1, 1
        while page <= pages:
            query: dict[str, str | int] = {
                "filter[messaging_profile_id]": self._profile,
                "page[number]": page,
                "page[size]": _PAGE,
            }
            answer = httpx.get(
                f"{self._base}/v2/messaging_optouts",
                params=query,
                headers=self._headers,
                timeout=http.TIMEOUT,
            )
            answer.raise_for_status()
            content = answer.json()
            yield from (str(each["to"]) for each in content["data"])
            page, pages = page + 1, int(content["meta"]["total_pages"])


def _text(data: dict[str, Any], payload: dict[str, Any]) -> Text:
    return text_of(
        to_number=payload["to"][0]["phone_number"],
        from_number=payload["from"]["phone_number"],
        body=payload.get("text") or "",
        carrier_message_id=payload["id"],
        received_at=payload.get("received_at") or data.get("occurred_at"),
        media=_media(payload.get("media")),
    )


def _media(listed: Any) -> tuple[Media, ...]:
    """The files of a message; one that is described otherwise than documented keeps no text from being
    read."""
    files = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return tuple(
        media_of(
            each.get("url"),
            each.get("content_type"),
            size=each.get("size"),
            sha256=each.get("hash_sha256") or each.get("sha256"),
        )
        for each in files
    )


def _receipts(data: dict[str, Any], payload: dict[str, Any]) -> list[Text | Receipt]:
    fate = _FATES.get(payload["to"][0].get("status", ""))
    if fate is None:
        return []
    error = (payload.get("errors") or [{}])[0] if fate == Fate.FAILED else {}
    code = str(error.get("code", ""))
    tags = payload.get("tags") or [""]
    return [
        receipt_of(
            payload["id"],
            tags[0],
            fate,
            payload.get("completed_at") or payload.get("sent_at") or data.get("occurred_at"),
            code=code,
            words=words.said(code, words.TELNYX, str(error.get("title", ""))) if fate == Fate.FAILED else "",
            blocks=code == BLOCK_CODE,
        )
    ]


def _refused(answer: httpx.Response) -> Refused:
    content = http.json_of(answer)
    errors = content.get("errors") if isinstance(content, dict) else None
    error = errors[0] if errors and isinstance(errors[0], dict) else {}
    code = str(error.get("code") or answer.status_code)
    theirs = str(error.get("detail") or error.get("title") or "")
    return Refused(code, words.said(code, words.TELNYX, theirs), code == BLOCK_CODE)
