"""A carrier that there is not: its driver, as a file of messaging/providers would have it, and its other end.

What every carrier must hold it holds by these alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Collection, Iterator, Sequence
from typing import Any

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
    Other,
    Receipt,
    Text,
    Unread,
    media_of,
    receipt_of,
    text_of,
)
from cadence_app.messaging.providers.readings import Hints, dig, json_of, read_each, unread_body
from tests.messaging.carriers.ends.base import SECRET, Asked, FarEnd, Post

_ERRORS = {"hawk": "A hawk took the pigeon.", "shut": BLOCKED}
_FATES = {"flown": Fate.SENT, "landed": Fate.DELIVERED, "lost": Fate.FAILED}


def signed(account: Account, request: Request) -> bool:
    seal = request.headers.get("Pigeon-Seal", "")
    return hmac.compare_digest(_seal(account.secret("seal"), request.get_data()).encode(), seal.encode())


def events(request: Request) -> list[Text | Receipt | Unread]:
    try:
        told = json_of(request)
    except Malformed as error:
        return [unread_body(request.get_data(), str(error))]
    return read_each([told], _event, _hints, request.get_data())


def _event(told: Any) -> Text | Receipt:
    kind, fate = dig(told, "kind"), dig(told, "fate")
    if kind == "text":
        files = told.get("files")
        return text_of(
            told.get("to"),
            told.get("from"),
            told.get("words"),
            told.get("id"),
            told.get("at"),
            media=tuple(media_of(each) for each in files) if isinstance(files, list) else (),
        )
    if kind != "fate" or not isinstance(fate, str) or fate not in _FATES:
        raise Other if isinstance(kind, str) else Malformed("it does not say what it is about")
    code = str(told.get("code") or "")
    words = said(code, _ERRORS, "") if fate == "lost" else ""
    return receipt_of(told.get("id"), told.get("key"), _FATES[fate], told.get("at"), code=code, words=words)


def media_at(account: Account, url: str) -> MediaPlace:
    return MediaPlace(url, own=url.startswith(f"{DRIVER.url()}/"))


def _hints(told: Any) -> Hints:
    return Hints(*(dig(told, name) for name in ("id", "from", "to", "words", "at")))


class Pigeon:
    def __init__(self, account: Account) -> None:
        self._headers = {"Pigeon-Seal": account.secret("seal")}

    def send(self, text: Outgoing) -> Sent:
        told = {"from": text.from_number, "to": text.to_number, "words": text.body, "key": text.key}
        url = f"{DRIVER.url()}/pigeon/texts"
        answer = http.post(url, told | {"files": text.media}, _refused, headers=self._headers)
        return Sent(answer["id"], None)

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        raise CannotTell

    def blocked_numbers(self) -> Iterator[str]:
        answer = http.request("GET", f"{DRIVER.url()}/pigeon/shut", headers=self._headers)
        yield from answer.raise_for_status().json()["numbers"]


def _refused(answer: http.Response) -> Refused:
    code = str(http.json_of(answer).get("code") or answer.status_code)
    return Refused(code, said(code, _ERRORS, ""), code == "shut")


def _seal(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


DRIVER = Driver(
    code="pigeon",
    name="Pigeon Post",
    client=Pigeon,
    home="https://api.pigeons.example",
    fields=(
        Field("loft", "Loft", "On the door of the loft, in digits", right=str.isdecimal),
        Field("seal", "Seal", "What their wax shows", secret=True),
    ),
    answers=(KeywordAnswers.OURS, KeywordAnswers.BUILT_IN),
    where="Tell the pigeons.",
    missed="Pigeons come back until somebody is at home.",
    webhook=Webhook(signed, events, thanks=("grain", "text/plain")),
    keywords={"stop": Meaning.OUT, "start": Meaning.IN},
    media_at=media_at,
    block_reach=BlockReach.ACCOUNT,
    block_scope="loft",
    blocked_numbers=lambda account: Pigeon(account).blocked_numbers(),
)


class PigeonEnd(FarEnd):
    code = DRIVER.code
    failure = ("hawk", "A hawk took the pigeon.")
    block = (400, "shut")
    proof = "Pigeon-Seal"
    has_list = True
    tells_types = False
    id_path = ("id",)
    wrong = ("loft", "third", "Loft")

    def values(self) -> dict[str, str]:
        return {"loft": "3", "seal": SECRET}

    def event(
        self, number: str, body: str, message_id: str, to: str, files: Sequence[tuple[str, str]], **more: Any
    ) -> dict[str, Any]:
        told = {"kind": "text", "id": message_id, "from": number, "to": to, "words": body}
        return told | {"files": [url for url, _ in files]} | more

    def proven(self, body: str, address: str) -> Post:
        headers = {"Content-Type": "application/json", "Pigeon-Seal": _seal(SECRET, body.encode())}
        return Post(body.encode(), headers)

    def receipt(self, address: str, message_id: str, key: str, to: str, fate: str, code: str) -> Post:
        name = {"sent": "flown", "delivered": "landed", "failed": "lost"}[fate]
        return self.posted(
            {"kind": "fate", "id": message_id, "key": key, "fate": name, "code": code}, address
        )

    @classmethod
    def serves(cls, path: str) -> bool:
        return path.startswith("/pigeon/")

    @classmethod
    def post(cls, asked: Asked, raw: str) -> None:
        assert asked.headers["Pigeon-Seal"] == SECRET
        told = json.loads(raw)
        asked.api.attached[told["key"]] = told["files"]
        text = (told["from"], told["to"], told["words"], told["key"], uuid.uuid4().hex)
        asked.take(text, {"id": text[4]}, lambda status, code: {"code": code})

    @classmethod
    def get(cls, asked: Asked) -> None:
        assert asked.headers["Pigeon-Seal"] == SECRET
        asked.answer(200, {"numbers": asked.api.blocked})
