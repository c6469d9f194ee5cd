"""How a person agreed, in words: the one home of what the card, the record, the certificate and its PDF say
of evidence. Nothing is said of what is not known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cadence_app.consent.evidence import METHOD_NAMES
from cadence_app.consent.evidence_basis import Basis
from cadence_app.consent.evidence_bearing import Bearing
from cadence_app.consent.evidence_models import Evidence, Way
from cadence_app.consent.models import OptOutChange, Source
from cadence_app.ui import formatting

NONE_RECORDED = "none recorded"
# What the card of a conversation has room for.
_MOST_LINES = 3
_CAME_IN: Mapping[Way, str] = {
    Way.ADDED: "When the contact was added by hand",
    Way.OPTED_IN: "When they were opted in by hand",
    Way.NEW_TEXT: "With a new text to a new person",
    Way.NUMBER_CHANGE: "When their number was changed by hand",
    Way.RECORD: "On their record",
    Way.IMPORT: "With a file",
    Way.API: "Through the API",
}
_BEARINGS: Mapping[Bearing, str] = {
    Bearing.RESTS: "The present consent rests on this.",
    Bearing.NOT_OPTED_IN: "They are not opted in now, so no consent rests on this.",
    Bearing.OTHER_NUMBER: ("The present consent does not rest on this: it was for another of their numbers."),
    Bearing.AGREED_BEFORE: (
        "The present consent does not rest on this: they agreed to it before they last opted out."
    ),
    Bearing.RECORDED_BEFORE: (
        "The present consent does not rest on this: it was recorded before they were last opted in."
    ),
}


class Kind(StrEnum):
    """How a fact is written: NUMBER is a phone number (E.164), EXACT one that is copied letter by letter,
    LINK an address that may be opened."""

    PLAIN = "plain"
    WORDS = "words"
    NUMBER = "number"
    EXACT = "exact"
    LINK = "link"


@dataclass(frozen=True)
class Fact:
    """One thing that is known of a piece of evidence."""

    label: str
    value: str
    kind: Kind = Kind.PLAIN


def lines_of(basis: Basis, readable: Collection[int], zone: ZoneInfo) -> list[str]:
    """What a consent rests on, a line for each, as the card shows it: the text first, then the newest
    evidence; at most as many as fit, with how many more there are. `readable` are the ids of the texts whose
    words the viewer may read. Empty where nothing is recorded."""
    text = [text_line(basis.text, readable, zone)] if basis.text else []
    newest = [line_of(row, zone) for row in reversed(basis.evidence)]
    lines = [*text, *newest]
    if len(lines) > _MOST_LINES:
        return [*lines[: _MOST_LINES - 1], f"And {len(lines) - _MOST_LINES + 1} more, on their record"]
    return lines


def line_of(row: Evidence, zone: ZoneInfo) -> str:
    """ "Agreed on Mar 3, 2026 · Paper form, collected by Ana Ruiz"; the day it was recorded, which it says,
    where the day they agreed is not known."""
    if row.agreed_on:
        day = f"Agreed on {formatting.day(row.agreed_on)}"
    else:
        day = f"Recorded on {formatting.day(row.recorded_at.astimezone(zone).date())}"
    return f"{day} · {how(row)}"


def how(row: Evidence) -> str:
    """ "Paper form, collected by Ana Ruiz"."""
    by = f", collected by {row.collected_by}" if row.collected_by else ""
    return f"{METHOD_NAMES[row.method]}{by}"


def text_line(change: OptOutChange, readable: Collection[int], zone: ZoneInfo) -> str:
    """ "They texted first on Mar 3, 2026", or "They texted “START” on Mar 3, 2026"."""
    day = formatting.day(change.changed_at.astimezone(zone).date())
    if change.source == Source.COLD_INBOUND:
        return f"They texted first on {day}"
    if change.message_id in readable and change.words:
        return f"They texted “{change.words}” on {day}"
    return f"They texted an opt-in word on {day}"


def bearing_words(bearing: Bearing) -> str:
    """Whether the present consent rests on a piece of evidence, as a sentence."""
    return _BEARINGS[bearing]


def facts_of(row: Evidence, zone: ZoneInfo) -> list[Fact]:
    """All that is known of a piece of evidence, but for how they agreed, which is its title, and for when it
    was recorded."""
    facts = []
    if row.agreed_at:
        facts.append(Fact("Agreed", formatting.in_zone(row.agreed_at, zone)))
    elif row.agreed_on:
        facts.append(Fact("Agreed on", formatting.day(row.agreed_on)))
    origin = f": {row.origin}" if row.origin else ""
    page_kind = Kind.LINK if may_open(row.page_url) else Kind.PLAIN
    facts += [
        Fact("In words", row.words, Kind.WORDS),
        Fact("Page", row.page_url, page_kind),
        Fact("SHA-256 of it", row.sha256.hex() if row.sha256 else "", Kind.EXACT),
        Fact("Their IP address", row.ip),
        Fact("Number then", row.number, Kind.NUMBER),
        Fact("Collected by", row.collected_by),
        Fact("Entered by", row.user_name),
        Fact("Came in", f"{_CAME_IN[row.way]}{origin}"),
    ]
    return [fact for fact in facts if fact.value]


def may_open(address: str) -> bool:
    """Whether an address that somebody else gave may be a link: of the web, with a host, and no sign in it
    that a browser would leave out or that turns what is read around."""
    if any(sign.isspace() or not sign.isprintable() for sign in address):
        return False
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
