"""Reading what a carrier posted, item by item: one that can't be read keeps no other away, and is kept."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Request

from cadence_app.database_text import storable
from cadence_app.messaging.providers.events import (
    Malformed,
    NotNow,
    Other,
    Receipt,
    Text,
    Unread,
    WordsMissing,
)

# Config.MAX_CONTENT_LENGTH is for pages. No carrier documents a post of this size; it is read all the same,
# for its signature covers all of it.
LARGEST = 16 * 1024 * 1024
# What is larger is kept by its hash and size.
KEPT_WHOLE = 2 * 1024 * 1024
_LONGEST_WORDS = 2000
_LONGEST_FIELD = 100
_MOST_STRINGS = 20_000
_MOST_LINES = 40
_QUOTED = re.compile(r'"((?:[^"\\]|\\.){1,2000})"')


@dataclass(frozen=True)
class Hints:
    """What an item says where its carrier usually says it, each of which may be anything: the carrier's id,
    who sent it to which number, the words, and when."""

    message_id: Any = None
    sender: Any = None
    recipient: Any = None
    words: Any = None
    at: Any = None


def body_of(request: Request) -> bytes:
    """The whole body of a post, up to LARGEST. Errors: RequestEntityTooLarge."""
    request.max_content_length = LARGEST
    request.max_form_memory_size = LARGEST
    request.max_form_parts = 100_000
    return request.get_data(cache=True, parse_form_data=False)


def json_of(request: Request) -> Any:
    """The JSON of a post. Errors: Malformed."""
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        raise Malformed("the body is no JSON") from error


def dig(thing: Any, *path: str | int) -> Any:
    """What is at a path of names and places in parsed JSON; None where there is nothing."""
    for step in path:
        if isinstance(thing, dict):
            thing = thing.get(step)
        elif isinstance(thing, list) and isinstance(step, int) and len(thing) > step:
            thing = thing[step]
        else:
            return None
    return thing


def read_each(
    items: Sequence[Any],
    read: Callable[[Any], Text | Receipt | None],
    hints: Callable[[Any], Hints],
    body: bytes | None = None,
) -> list[Text | Receipt | Unread]:
    """The texts and receipts among the items of a post with this body, or of a list, and those of them that
    can't be read. `read` returns None for an item that asks for nothing. Errors: NotNow."""
    found: list[Text | Receipt | Unread] = []
    for place, item in enumerate(items):
        harmless = missing = False
        try:
            event = read(item)
        except NotNow:
            raise
        except Other:
            why, harmless = "It is about something else than a text.", True
        except WordsMissing as error:
            why, missing = f"{error}.", True
        except Malformed as error:
            why = f"It could not be read: {error}."
        except Exception:
            # Whatever a carrier signed is kept: no fault of ours in reading it may lose it.
            why = "It could not be read: it is not as the carrier documents."
        else:
            if event:
                found.append(event)
            continue
        unread = _unread(_encoded(item, body, place, len(items)), item, why, hints(item), harmless)
        found.append(replace(unread, words_missing=missing))
    return found


def unread_body(body: bytes, why: str) -> Unread:
    """A whole post that can't be read."""
    return _unread(
        (body, ""), storable(body.decode("utf-8", "replace")), f"It could not be read: {why}.", Hints()
    )


def unread_text(text: Text, why: str) -> Unread:
    """A text that was understood and could not be taken in."""
    hints = Hints(text.carrier_message_id, text.from_number, text.to_number, text.body)
    content = json.dumps(text.as_json(), sort_keys=True, ensure_ascii=False).encode()
    unread = _unread((content, ""), text.body, why, hints)
    return replace(unread, said_at=text.received_at.isoformat())


def _encoded(item: Any, body: bytes | None, place: int, count: int) -> tuple[bytes, str]:
    """An item as it is kept, and what tells it from others of the same content."""
    if body is not None and count == 1:
        return body, ""
    try:
        content = json.dumps(item, sort_keys=True, ensure_ascii=False)
    except (RecursionError, TypeError, ValueError):
        return body or b"", f" {place}"
    return content.encode("utf-8", "surrogatepass"), ""


def _unread(
    encoded: tuple[bytes, str], item: Any, why: str, hints: Hints, only_if_out: bool = False
) -> Unread:
    content, apart = encoded
    digest = hashlib.sha256(content).hexdigest()
    return Unread(
        event_key=_key(hints.message_id, digest + apart),
        why=why,
        content=storable(content.decode("utf-8", "replace")) if len(content) <= KEPT_WHOLE else "",
        size=len(content),
        sha256=digest,
        sender=_field(hints.sender),
        recipient=_field(hints.recipient),
        words=storable(hints.words)[:_LONGEST_WORDS] if isinstance(hints.words, str) else "",
        said_at=hints.at if isinstance(hints.at, str) else None,
        strings=tuple(_strings_of_text(item) if isinstance(item, str) else _strings_in(item)),
        only_if_out=only_if_out,
    )


def _key(message_id: Any, digest: str) -> str:
    """By which a repeated post is known: the carrier's id, or else the SHA-256 of what it says."""
    if isinstance(message_id, str) and 0 < len(message_id) <= 200:
        return f"text {storable(message_id)}"
    return f"sha256 {digest}"


def _field(value: Any) -> str:
    return storable(value)[:_LONGEST_FIELD] if isinstance(value, str) else ""


def _strings_in(thing: Any) -> list[str]:
    """Every string in a value as json.loads() gives it, names of fields among them."""
    found: list[str] = []
    left = [thing]
    while left and len(found) < _MOST_STRINGS:
        each = left.pop()
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, Mapping):
            found.extend(str(name) for name in each)
            left.extend(each.values())
        elif isinstance(each, list | tuple):
            left.extend(each)
    return found


def _strings_of_text(raw: str) -> list[str]:
    """What may be somebody's words in a text of unknown form: its lines, what it quotes, and all of it."""
    return [raw, *raw.splitlines()[:_MOST_LINES], *(match[1] for match in _quoted(raw))]


def _quoted(raw: str) -> Iterator[re.Match[str]]:
    for count, match in enumerate(_QUOTED.finditer(raw[:200_000])):
        if count >= _MOST_LINES:
            return
        yield match
