"""What carriers send, in the one form that the rest of Cadence reads."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from cadence_app.consent.keywords import Meaning
from cadence_app.database_text import storable
from cadence_app.phone_numbers import parse_sender

_LONGEST_URL = 2048
# Longer than any text that a network carries.
_LONGEST_BODY = 100_000
# A carrier gives up on a text within days: an older time is a broken clock.
_OLDEST = timedelta(days=90)
_OUR_NUMBER = re.compile(r"\+?[0-9]{3,15}", re.ASCII)


class Malformed(ValueError):
    """A post that is not what the carrier documents."""


class WordsMissing(Malformed):
    """A text of which the carrier does not tell the words."""


class Other(Exception):
    """A post that is no text and no receipt, by what it says of itself."""


class NotNow(Exception):
    """A post can't be proven or acted on before its carrier is in reach again: it is to post it once more."""


class Fate(StrEnum):
    """What became of a text of ours, in the order it happens; the last two are the end of it."""

    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class Receipt:
    """What a carrier tells of a text of ours: by its id and, where that came back, by our key. `code` and
    `words` say why it failed, `blocks` that its owner stopped our number."""

    carrier_message_id: str
    key: str
    fate: Fate
    at: datetime
    code: str = ""
    words: str = ""
    blocks: bool = False

    @property
    def event_key(self) -> str:
        return f"{self.fate} {self.carrier_message_id}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"at": self.at.isoformat()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Receipt:
        return cls(**stored | {"at": datetime.fromisoformat(stored["at"]), "fate": Fate(stored["fate"])})


@dataclass(frozen=True)
class Media:
    """A file that came with a text: where it is to be fetched, empty where the carrier gave no address that
    can be used, and what the carrier says of it, where it does. `size` is in bytes."""

    url: str
    content_type: str = ""
    size: int | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Text:
    """A text that somebody sent to one of our numbers: both E.164, the carrier's id, and its time (UTC).

    `answered` is what the carrier took the text for and has answered already, where it says so.
    """

    to_number: str
    from_number: str
    body: str
    carrier_message_id: str
    received_at: datetime
    answered: Meaning | None = None
    media: tuple[Media, ...] = ()

    @property
    def event_key(self) -> str:
        return f"text {self.carrier_message_id}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"received_at": self.received_at.isoformat()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Text:
        answered = Meaning(stored["answered"]) if stored["answered"] else None
        at = datetime.fromisoformat(stored["received_at"])
        media = tuple(Media(**each) for each in stored.get("media", ()))
        return cls(**stored | {"received_at": at, "answered": answered, "media": media})


@dataclass(frozen=True)
class Unread:
    """An item of a post that can't be read: why, in words; its content, empty where it is too large to keep,
    with its size in bytes and SHA-256 (hex); and what could be made out of it. `said_at` is the carrier's
    time as it wrote it, `strings` are all that may be somebody's words. `only_if_out`: it is of no
    interest unless it may be an opt out; `words_missing`: it is a text, and nobody knows what it says."""

    event_key: str
    why: str
    content: str
    size: int
    sha256: str
    sender: str = ""
    recipient: str = ""
    words: str = ""
    said_at: str | None = None
    strings: tuple[str, ...] = ()
    only_if_out: bool = False
    words_missing: bool = False


def text_of(
    to_number: Any,
    from_number: Any,
    body: Any,
    carrier_message_id: Any,
    received_at: Any,
    answered: Any = None,
    media: tuple[Media, ...] = (),
) -> Text:
    """A text from the fields of a post, each of which may be anything. Errors: Malformed."""
    if not isinstance(carrier_message_id, str) or not 0 < len(carrier_message_id) <= 200:
        raise Malformed("the message has no id")
    if not isinstance(body, str):
        raise Malformed("the message has no text")
    if len(body) > _LONGEST_BODY:
        raise Malformed("it is longer than any text")
    return Text(
        to_number=_our_number(to_number),
        from_number=_sender(from_number),
        body=storable(body),
        carrier_message_id=storable(carrier_message_id),
        received_at=instant_of(received_at),
        answered=answered,
        media=media,
    )


def media_of(url: Any, content_type: Any = "", *, size: Any = None, sha256: Any = "") -> Media:
    """A file from the fields of a post, each of which may be anything: never an error, for the words of the
    text count whatever comes with them."""
    usable = isinstance(url, str) and url.startswith(("https://", "http://")) and len(url) <= _LONGEST_URL
    known = isinstance(sha256, str) and re.fullmatch("[0-9a-fA-F]{64}", sha256)
    counted = isinstance(size, int) and 0 <= size < 2**62
    return Media(
        url=storable(url) if usable else "",
        content_type=storable(content_type)[:100] if isinstance(content_type, str) else "",
        size=size if counted else None,
        sha256=sha256.lower() if known else "",
    )


def receipt_of(
    carrier_message_id: Any,
    key: Any,
    fate: Fate,
    at: Any,
    *,
    code: Any = "",
    words: str = "",
    blocks: bool = False,
) -> Receipt:
    """A receipt from the fields of a post. Errors: Malformed."""
    if not isinstance(carrier_message_id, str) or not 0 < len(carrier_message_id) <= 200:
        raise Malformed("the receipt has no id")
    return Receipt(
        carrier_message_id=storable(carrier_message_id),
        key=storable(key)[:200] if isinstance(key, str) else "",
        fate=fate,
        at=instant_of(at),
        code=storable(str(code)[:40]) if code else "",
        words=storable(words),
        blocks=blocks,
    )


def _sender(value: Any) -> str:
    """Who texted, as E.164. Errors: Malformed for what is no number that could be answered, such as a short
    code or a name."""
    number = parse_sender(value) if isinstance(value, str) else None
    if number is None:
        raise Malformed("its sender is no telephone number")
    return number


def _our_number(value: Any) -> str:
    """Which number it was sent to: as it stands, where it is a number of digits, for it is to be found among
    our inboxes. Errors: Malformed."""
    if isinstance(value, str) and (number := parse_sender(value)):
        return number
    if isinstance(value, str) and _OUR_NUMBER.fullmatch(value):
        return value
    raise Malformed("the number it was sent to can't be read")


def instant_of(value: Any) -> datetime:
    """When a carrier says something happened (ISO 8601). Where it does not say, or what can't be, it is now:
    no text is refused for its clock."""
    now = datetime.now(UTC)
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return now
    return at if at > now - _OLDEST else now
