"""The timeline of a contact: texts, consent, evidence, numbers, flags, mixed by time, as one user sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import Select, literal, select, tuple_, union_all

from cadence_app.accounts.models import User
from cadence_app.consent.contact_rows import with_merged
from cadence_app.consent.evidence import METHOD_NAMES
from cadence_app.consent.evidence_bearing import bearings_of
from cadence_app.consent.evidence_models import Evidence
from cadence_app.consent.models import Decision, OptOutChange, PossibleOptOut
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging import desk
from cadence_app.messaging.desk_models import Note
from cadence_app.messaging.evidence_words import Fact, bearing_words, facts_of
from cadence_app.messaging.media.service import of_texts
from cadence_app.messaging.models import Conversation, Message

PAGE = 30


class Only(StrEnum):
    ALL = ""
    TEXTS = "texts"
    NOTES = "notes"
    CHANGES = "changes"


class What(StrEnum):
    """What an entry is about. MERGED is the contact who is gone."""

    TEXT = "text"
    NOTE = "note"
    CHANGE = "change"
    EVIDENCE = "evidence"
    NUMBER = "number"
    NUMBER_ENDED = "number_ended"
    FLAG = "flag"
    FLAG_DECIDED = "flag_decided"
    MERGED = "merged"


_MODELS: dict[What, Any] = {
    What.TEXT: Message,
    What.NOTE: Note,
    What.CHANGE: OptOutChange,
    What.EVIDENCE: Evidence,
    What.NUMBER: ContactNumber,
    What.NUMBER_ENDED: ContactNumber,
    What.FLAG: PossibleOptOut,
    What.FLAG_DECIDED: PossibleOptOut,
    What.MERGED: Contact,
}


@dataclass(frozen=True)
class Cursor:
    """The place of an entry: the page goes on after it."""

    at: datetime
    what: str
    id: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """What str() of a cursor gave, or None."""
        try:
            at, what, number = text.split("_", 2)
            micros, entry_id = int(at), int(number)
            moment = datetime.fromtimestamp(micros // 10**6, UTC).replace(microsecond=micros % 10**6)
        except (ValueError, OverflowError, OSError):
            return None
        known = what.replace("-", "_") in set(What)
        return cls(moment, what.replace("-", "_"), entry_id) if known and 0 < entry_id < 2**63 else None

    def __str__(self) -> str:
        micros = int(self.at.replace(microsecond=0).timestamp()) * 10**6 + self.at.microsecond
        return f"{micros}_{self.what.replace('_', '-')}_{self.id}"


@dataclass(frozen=True)
class Entry:
    """`quoted`: whether the viewer may read the words in it, which a text to a colleague's personal inbox
    keeps from them. `team` is None where it is of no team. `files` came or went with a text. `agreed` is what
    a piece of evidence says."""

    what: What
    at: datetime
    item: Any
    team: str | None
    quoted: bool
    files: int = 0
    agreed: Agreed | None = None


@dataclass(frozen=True)
class Agreed:
    """How somebody agreed, in few words; what is known of it; whether their present consent rests on it."""

    title: str
    facts: list[Fact]
    bearing: str


@dataclass(frozen=True)
class Page:
    entries: list[Entry]
    older: Cursor | None


def timeline(user: User, contact_id: int, only: Only, before: Cursor | None) -> Page:
    """What a user may see of a contact: texts and notes in the inboxes they work in, and what belongs to
    the teams they share with the contact."""
    parts = [part.subquery() for part in _parts(user, contact_id, only, before)]
    everything = union_all(*(select(part) for part in parts)).subquery()
    place = (everything.c.at, everything.c.what, everything.c.id)
    rows = db.session.execute(
        select(everything).order_by(*(column.desc() for column in place)).limit(PAGE + 1)
    ).all()
    shown = rows[:PAGE]
    older = Cursor(shown[-1].at, shown[-1].what, shown[-1].id) if len(rows) > PAGE else None
    return Page(_entries(user, contact_id, shown), older)


def _parts(user: User, contact_id: int, only: Only, before: Cursor | None) -> list[Select[Any]]:
    ids, teams = with_merged(contact_id), [team.id for team in user.teams]
    texts, notes = (
        _part(table.created_at, what, table.id)
        .join(Conversation, Conversation.id == table.conversation_id)
        .join(Inbox, Inbox.id == Conversation.inbox_id)
        .where(Conversation.contact_id.in_(ids), visible_to(user))
        for table, what in ((Message, What.TEXT), (Note, What.NOTE))
    )
    flags = PossibleOptOut.contact_id.in_(ids), PossibleOptOut.team_id.in_(teams)
    number_of = ContactNumber.contact_id.in_(ids)
    changes = [
        _part(OptOutChange.changed_at, What.CHANGE, OptOutChange.id).where(
            OptOutChange.contact_id.in_(ids), OptOutChange.team_id.in_(teams)
        ),
        _part(Evidence.recorded_at, What.EVIDENCE, Evidence.id).where(
            Evidence.contact_id.in_(ids), Evidence.team_id.in_(teams)
        ),
        _part(ContactNumber.since, What.NUMBER, ContactNumber.id).where(number_of),
        _part(ContactNumber.until, What.NUMBER_ENDED, ContactNumber.id).where(
            number_of, ContactNumber.until.is_not(None)
        ),
        _part(PossibleOptOut.received_at, What.FLAG, PossibleOptOut.id).where(*flags),
        _part(PossibleOptOut.decided_at, What.FLAG_DECIDED, PossibleOptOut.id).where(
            *flags, PossibleOptOut.decision != Decision.OPEN
        ),
        _part(Contact.gone_at, What.MERGED, Contact.id).where(Contact.merged_into_id == contact_id),
    ]
    wanted = {
        Only.ALL: [texts, notes, *changes],
        Only.TEXTS: [texts],
        Only.NOTES: [notes],
        Only.CHANGES: changes,
    }[only]
    return [_page_of(part, before) for part in wanted]


def _part(at: Any, what: What, entry_id: Any) -> Select[Any]:
    return select(at.label("at"), literal(what).label("what"), entry_id.label("id"))


def _page_of(part: Select[Any], before: Cursor | None) -> Select[Any]:
    at, what, entry_id = part.selected_columns
    if before:
        # By time first, which an index can answer; the rest decides between those of one instant.
        part = part.where(at <= before.at)
        part = part.where(tuple_(at, what, entry_id) < tuple_(before.at, literal(before.what), before.id))
    return part.order_by(at.desc(), entry_id.desc()).limit(PAGE + 1)


def _entries(user: User, contact_id: int, rows: Any) -> list[Entry]:
    wanted: dict[Any, set[int]] = {}
    for row in rows:
        wanted.setdefault(_MODELS[What(row.what)], set()).add(row.id)
    items = {
        (model, item.id): item
        for model, ids in wanted.items()
        for item in db.session.scalars(select(model).where(model.id.in_(ids)))
    }
    said = {item.message_id for item in items.values() if getattr(item, "message_id", None)}
    readable = desk.readable(user, said)
    teams = {team.id: team.name for team in user.teams}
    files = of_texts([row.id for row in rows if row.what == What.TEXT])
    agreed = _agreed(user, contact_id, [item for item in items.values() if isinstance(item, Evidence)])
    entries = []
    for row in rows:
        item = items[_MODELS[What(row.what)], row.id]
        source = getattr(item, "message_id", None)
        team = teams.get(getattr(item, "team_id", 0))
        quoted = source is None or source in readable
        count = len(files.get(row.id, ())) if row.what == What.TEXT else 0
        said_of_it = agreed[row.id] if row.what == What.EVIDENCE else None
        entries.append(Entry(What(row.what), row.at, item, team, quoted, count, said_of_it))
    return entries


def _agreed(user: User, contact_id: int, rows: list[Evidence]) -> dict[int, Agreed]:
    bearings = bearings_of(contact_id, rows)
    return {
        row.id: Agreed(METHOD_NAMES[row.method], facts_of(row, user.zone), bearing_words(bearings[row.id]))
        for row in rows
    }
