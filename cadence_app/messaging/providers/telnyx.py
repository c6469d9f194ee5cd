"""Telnyx: its webhooks and its API.

Sources: Telnyx's documentation, "Receiving webhooks for messaging" (an Ed25519 signature over the timestamp,
a bar and the raw body, by the public key of the account's portal; five minutes' tolerance), "Send a message",
"Send & receive MMS", "Messaging error code reference", "List opt-outs", "Search detail records" and
"Retrieve a message".
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Request

from cadence_app.consent.keywords import Meaning
from cadence_app.messaging.providers import http
from cadence_app.messaging.providers.base import (
    BLOCKED,
    Account,
    BlockReach,
    CannotTell,
    Driver,
    Field,
    KeywordAnswers,
    Known,
    Listing,
    MediaPlace,
    Outgoing,
    Refused,
    Sent,
    Webhook,
    said,
)
from cadence_app.messaging.providers.events import (
    Fate,
    Malformed,
    Media,
    Other,
    Receipt,
    Text,
    Unread,
    WordsMissing,
    instant_of,
    media_of,
    receipt_of,
    text_of,
)
from cadence_app.messaging.providers.readings import Hints, dig, json_of, read_each, unread_body

_BLOCK_CODE = "40300"
# What Telnyx acts on by itself.
_KEYWORDS: Mapping[str, Meaning] = {
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
_ERRORS = {
    "40001": "This is a landline, or can't be reached.",
    "40002": "The carrier took it for spam.",
    "40003": "The carrier took it for spam and blocks your number.",
    "40004": "The phone's network refused it.",
    "40005": "It could not be delivered in time.",
    "40006": "The phone's network is out of reach.",
    "40008": "The phone's network did not take it.",
    "40300": BLOCKED,
    "40305": "Your number can't send texts with this account.",
    "40310": "This is no telephone number that can be texted.",
}
# One that came() found.
_LISTED = "listed"
_INBOUND = ("message.received", _LISTED)
_KINDS = (*_INBOUND, "message.sent", "message.finalized")
_PAGE = 250
_RECORDS = 50
_GIVEN_FOR = timedelta(days=10)


def signed(account: Account, request: Request) -> bool:
    """Whether Telnyx signed this body within the last five minutes."""
    stamp = request.headers.get("telnyx-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 20):
        return False
    if abs(time.time() - int(stamp)) > _TOLERANCE_SECONDS:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(account.settings["public_key"]))
        signature = base64.b64decode(request.headers.get("telnyx-signature-ed25519", ""), validate=True)
        key.verify(signature, f"{stamp}|".encode() + request.get_data())
    except (InvalidSignature, ValueError):
        return False
    return True


def events(request: Request) -> list[Text | Receipt | Unread]:
    """The text or the receipt in an event, or what can't be read of it; none where nothing is to be done."""
    body = request.get_data()
    try:
        event = json_of(request)
    except Malformed as error:
        return [unread_body(body, str(error))]
    return read_each([event], _event, _hints, body)


def _event(event: Any) -> Text | Receipt | None:
    data = dig(event, "data")
    payload, kind = dig(data, "payload"), dig(data, "event_type")
    if kind not in _KINDS:
        raise Other if isinstance(kind, str) else Malformed("it does not say what it is about")
    if not isinstance(payload, dict):
        raise Malformed("there is nothing in it")
    if kind == _LISTED and not isinstance(payload.get("text"), str) and not payload.get("media"):
        raise WordsMissing("Telnyx lists this text and does not tell its words any more")
    return _text(data, payload) if kind in _INBOUND else _receipt(data, payload)


def _hints(event: Any) -> Hints:
    payload = dig(event, "data", "payload")
    return Hints(
        dig(payload, "id"),
        dig(payload, "from", "phone_number"),
        dig(payload, "to", 0, "phone_number"),
        dig(payload, "text"),
        dig(payload, "received_at") or dig(event, "data", "occurred_at"),
    )


def media_at(account: Account, url: str) -> MediaPlace:
    """Where a file is fetched: from a store that wants no credentials."""
    return MediaPlace(url, own=url.startswith(f"{DRIVER.url()}/"))


class Telnyx:
    """Sends by the API of an account."""

    def __init__(self, account: Account) -> None:
        self._profile = account.settings["messaging_profile_id"]
        self._headers = {"Authorization": f"Bearer {account.secret('api_key')}"}
        self._base = DRIVER.url()

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
        """The numbers (E.164) that the account's messaging profile blocks. Errors: http.HTTPError."""
        query = {"filter[messaging_profile_id]": self._profile}
        for each in self._pages("/v2/messaging_optouts", query, _PAGE):
            yield str(each["to"])

    def came(self, numbers: Collection[str], since: datetime, known: Known) -> list[Text | Receipt | Unread]:
        """The texts that came to these numbers since then, oldest first, but for those whose ids are known.

        Telnyx lists the records of texts, without their words, and gives each text by its id for ten days.
        Errors: http.HTTPError, KeyError and ValueError.
        """
        since = max(since, datetime.now(UTC) - _GIVEN_FOR)
        query = {
            "filter[record_type]": "messaging",
            "filter[direction]": "inbound",
            "filter[created_at][gte]": since.date().isoformat(),
            "sort": "created_at",
        }
        records = [
            each
            for each in self._pages("/v2/detail_records", query, _RECORDS)
            if each.get("cld") in numbers and instant_of(each.get("created_at")) >= since
        ]
        have = known([str(each["uuid"]) for each in records])
        new = [self._whole(each) for each in records if each["uuid"] not in have]
        return read_each(new, _event, _hints)

    def _whole(self, record: dict[str, Any]) -> dict[str, Any]:
        """A text by its record, in the form of its webhook."""
        answer = self._get(f"/v2/messages/{quote(str(record['uuid']), safe='')}", {})
        if answer.status_code == 404:
            payload: Any = {}
        else:
            answer.raise_for_status()
            payload = answer.json()["data"]
        told = {
            "id": record["uuid"],
            "from": {"phone_number": record.get("cli")},
            "to": [{"phone_number": record["cld"]}],
            "text": None,
            "received_at": record.get("created_at"),
        }
        given = {name: payload[name] for name in (*told, "media") if payload.get(name) is not None}
        return {"data": {"event_type": _LISTED, "payload": told | given}}

    def _pages(self, path: str, query: dict[str, Any], size: int) -> Iterator[dict[str, Any]]:
        page, pages = 1, 1
        while page <= pages:
            answer = self._get(path, query | {"page[number]": page, "page[size]": size})
            answer.raise_for_status()
            content = answer.json()
            yield from content["data"]
            page, pages = page + 1, int(content["meta"]["total_pages"])

    def _get(self, path: str, query: dict[str, Any]) -> http.Response:
        return http.request("GET", f"{self._base}{path}", params=query, headers=self._headers)


def _text(data: Any, payload: dict[str, Any]) -> Text:
    return text_of(
        to_number=dig(payload, "to", 0, "phone_number"),
        from_number=dig(payload, "from", "phone_number"),
        body=payload.get("text") or "",
        carrier_message_id=payload.get("id"),
        received_at=payload.get("received_at") or dig(data, "occurred_at"),
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


def _receipt(data: Any, payload: dict[str, Any]) -> Receipt | None:
    status = dig(payload, "to", 0, "status")
    fate = _FATES.get(status) if isinstance(status, str) else None
    if fate is None:
        return None
    error = dig(payload, "errors", 0) if fate == Fate.FAILED else None
    code = str(dig(error, "code") or "")
    return receipt_of(
        payload.get("id"),
        dig(payload, "tags", 0),
        fate,
        payload.get("completed_at") or payload.get("sent_at") or dig(data, "occurred_at"),
        code=code,
        words=said(code, _ERRORS, str(dig(error, "title") or "")) if fate == Fate.FAILED else "",
        blocks=code == _BLOCK_CODE,
    )


def _refused(answer: http.Response) -> Refused:
    content = http.json_of(answer)
    errors = content.get("errors") if isinstance(content, dict) else None
    error = errors[0] if errors and isinstance(errors[0], dict) else {}
    code = str(error.get("code") or answer.status_code)
    theirs = str(error.get("detail") or error.get("title") or "")
    return Refused(code, said(code, _ERRORS, theirs), code == _BLOCK_CODE)


def _ed25519_key(value: str) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


DRIVER = Driver(
    code="telnyx",
    name="Telnyx",
    client=Telnyx,
    home="https://api.telnyx.com",
    fields=(
        Field("public_key", "Public key", "Under Keys & Credentials in the portal", right=_ed25519_key),
        Field("messaging_profile_id", "Messaging profile ID", "The profile that the numbers are in"),
        Field("api_key", "API key", "Under API Keys in the portal", secret=True),
    ),
    answers=(KeywordAnswers.BUILT_IN, KeywordAnswers.OURS),
    where="In Telnyx's portal, open the messaging profile and enter it as the inbound webhook URL.",
    missed="Telnyx tries three times, and then the failover URL of the messaging profile where there is one. "
    "Cadence asks Telnyx every hour, and after it was down, for what came. Telnyx has the words of a text "
    "for ten days.",
    webhook=Webhook(signed, events),
    keywords=_KEYWORDS,
    media_at=media_at,
    block_reach=BlockReach.ACCOUNT,
    block_scope="messaging profile",
    blocked_numbers=lambda account: Telnyx(account).blocked_numbers(),
    # Telnyx promises no time for its list.
    listing=Listing(
        lambda account, numbers, since, known: Telnyx(account).came(numbers, since, known),
        lag=timedelta(minutes=5),
    ),
)
