"""The demo's conversations, whose texts and opt-out changes agree."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any

from sqlalchemy import insert

from cadence_app.accounts.models import Tenant, User
from cadence_app.consent import blocks, possible
from cadence_app.consent.keywords import (
    EVERY_TEAM_WORDS,
    TOLL_FREE_BLOCK_WORDS,
    YES,
    Meaning,
    normalise,
    read,
)
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import BlockScope, Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.demo import dialogue
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.auto_replies import KINDS, text_of
from cadence_app.messaging.models import (
    Conversation,
    ConversationState,
    Direction,
    Message,
    MessageKind,
    MessageState,
)

_RECENT = 24
_UNKNOWN = 6
_BECOMES = {Meaning.OUT: Status.OPTED_OUT, Meaning.IN: Status.OPTED_IN}


@dataclass(frozen=True)
class _Turn:
    """A change of a contact's status in the team of an inbox; `text` is the message that made it, if one did."""

    contact: dict[str, Any]
    inbox: Inbox
    status: Status
    source: Source
    at: datetime
    text: dict[str, Any] | None
    user_id: int | None = None


def load_conversations(
    tenant: Tenant,
    contacts: list[dict[str, Any]],
    inboxes: list[Inbox],
    users: list[User],
    numbers: Iterator[str],
    chance: random.Random,
) -> None:
    """One conversation for each contact, and some with unknown numbers; the latest within two days."""
    unknown = _unknown_contacts(tenant, numbers)
    moments = _moments(len(contacts) + len(unknown), chance)
    conversations, messages, flags = [], [], []
    changes: list[list[_Turn]] = []
    for index, contact in enumerate(contacts + unknown):
        inbox = chance.choice(inboxes[:2] if index >= len(contacts) else inboxes)
        talk, maybe = _talk(index, contact, chance)
        author = inbox.user or chance.choice([user for user in users if inbox.team in user.teams])
        said = dialogue.lines(
            talk,
            first=contact["first_name"],
            agent=author.name.split()[0],
            team=inbox.team.name,
            tenant=tenant.name,
        )
        if index < _RECENT and not index % 3 and not maybe:
            said = _up_to_question(said)
        texts, turns = _play(said, moments[index], contact, inbox, author, chance)
        changes.append(turns)
        messages.append(texts)
        if maybe:
            flags.append((contact, inbox, texts[-1]))
        if talk in dialogue.FAILED_TALKS:
            texts[-1] |= {
                "state": MessageState.FAILED,
                "detail": "The carrier says this number is out of service.",
            }
        last = texts[-1]
        waits = last["direction"] == Direction.INBOUND and index < _RECENT and not index % 3
        if waits:
            last["opened_at"] = None
        last["needs_reply"] = waits or maybe
        conversations.append(
            {
                "tenant_id": tenant.id,
                "inbox_id": inbox.id,
                "contact_id": contact["id"],
                "last_message_at": last["created_at"],
                "last_message_text": last["body"],
                "unread": int(waits),
                "listed_at": last["created_at"],
                "state": ConversationState.OPEN if index < _RECENT else ConversationState.DONE,
                "waiting_since": last["created_at"] if waits or maybe else None,
            }
        )
    _save(tenant, conversations, messages, changes, flags)


def _up_to_question(said: list[tuple[int, bool, str]]) -> list[tuple[int, bool, str]]:
    """A talk up to their last question, which nobody has answered yet; all of it where they ask nothing."""
    asked = [at for at, (_, inbound, body) in enumerate(said) if inbound and body.endswith("?")]
    return said[: asked[-1] + 1] if asked else said


def _play(
    said: list[tuple[int, bool, str]],
    ends_at: datetime,
    contact: dict[str, Any],
    inbox: Inbox,
    author: User,
    chance: random.Random,
) -> tuple[list[dict[str, Any]], list[_Turn]]:
    """The texts of a talk, automatic answers among them, and the changes of the contact's status in it."""
    at = ends_at - timedelta(minutes=sum(minutes for minutes, _, _ in said))
    unknown = not contact["first_name"]
    texts: list[dict[str, Any]] = []
    turns: list[_Turn] = []
    for minutes, inbound, body in said:
        at += timedelta(minutes=minutes, seconds=chance.randrange(60) if minutes else 0)
        texts.append(_text(inbox, at, body, None if inbound else author))
        if not turns:
            turns.append(_first_turn(contact, inbox, texts[0], None if unknown else author, chance))
        keyword = read(body, {}) if inbound else None
        status = turns[-1].status
        if keyword is None or (keyword.word == YES and status == Status.OPTED_IN):
            continue
        became = _BECOMES.get(keyword.meaning, status)
        if became != status:
            turns.append(_Turn(contact, inbox, became, Source.KEYWORD, at, texts[-1]))
        reply = _text(inbox, at + timedelta(seconds=2), text_of(inbox.team, keyword.meaning), None)
        texts.append(
            reply
            | {
                "direction": Direction.OUTBOUND,
                "kind": KINDS[keyword.meaning],
                "state": MessageState.DELIVERED,
                "opened_at": None,
            }
        )
    return texts, turns


def _first_turn(
    contact: dict[str, Any],
    inbox: Inbox,
    text: dict[str, Any],
    author: User | None,
    chance: random.Random,
) -> _Turn:
    """How the contact came to be in the team: by their own first text, or some days before it."""
    if author is None:
        return _Turn(contact, inbox, Status.OPTED_IN, Source.COLD_INBOUND, text["created_at"], text)
    source = chance.choice((Source.IMPORT, Source.MANUAL_ADD))
    at = text["created_at"] - timedelta(days=chance.uniform(5, 90))
    actor = author.id if source == Source.MANUAL_ADD else None
    return _Turn(contact, inbox, Status.OPTED_IN, source, at, None, actor)


def _unknown_contacts(tenant: Tenant, numbers: Iterator[str]) -> list[dict[str, Any]]:
    blank = {"tenant_id": tenant.id, "first_name": "", "last_name": "", "external_id": ""}
    rows = [blank | {"number": next(numbers)} for _ in range(_UNKNOWN)]
    ids = db.session.scalars(insert(Contact).returning(Contact.id, sort_by_parameter_order=True), rows)
    return [row | {"id": contact_id} for row, contact_id in zip(rows, ids, strict=True)]


def _moments(count: int, chance: random.Random) -> list[datetime]:
    """When each conversation ends: the first ones just now, the others over the months before."""
    now = datetime.now(UTC)
    recent = sorted(chance.uniform(0.2, 44) for _ in range(_RECENT))
    older = (chance.uniform(48, 18 * 30 * 24) for _ in range(count - _RECENT))
    return [now - timedelta(hours=hours) for hours in (*recent, *older)]


def _talk(index: int, contact: dict[str, Any], chance: random.Random) -> tuple[str, bool]:
    """A talk, and whether its last text may be an opt out."""
    if not contact["first_name"]:
        return dialogue.COLD_TALKS[index % len(dialogue.COLD_TALKS)], False
    if index in {4, 11}:
        return dialogue.MAYBE_TALKS[index % 2], True
    if index in {2, 6, 9} or (index > _RECENT and chance.random() < 0.08):
        return dialogue.STOP_TALKS[index % len(dialogue.STOP_TALKS)], False
    if index > 2 and not index % 21:
        return dialogue.FAILED_TALKS[0], False
    return chance.choice(dialogue.TALKS), False


def _text(inbox: Inbox, at: datetime, body: str, author: User | None) -> dict[str, Any]:
    """A message's row; without an author it is the contact's."""
    return {
        "tenant_id": inbox.tenant_id,
        "inbox_id": inbox.id,
        "direction": Direction.OUTBOUND if author else Direction.INBOUND,
        "kind": MessageKind.PERSON,
        "body": body,
        "state": MessageState.DELIVERED if author else MessageState.RECEIVED,
        "detail": "",
        "user_id": author.id if author else None,
        "created_at": at,
        "provider_at": at,
        "opened_at": None if author else at + timedelta(minutes=1),
        "needs_reply": False,
    }


def _save(
    tenant: Tenant,
    conversations: list[dict[str, Any]],
    messages: list[list[dict[str, Any]]],
    changes: list[list[_Turn]],
    flags: list[tuple[dict[str, Any], Inbox, dict[str, Any]]],
) -> None:
    ids = db.session.scalars(
        insert(Conversation).returning(Conversation.id, sort_by_parameter_order=True), conversations
    ).all()
    rows = [
        text | {"conversation_id": conversation_id}
        for conversation_id, texts in zip(ids, messages, strict=True)
        for text in texts
    ]
    message_ids = db.session.scalars(
        insert(Message).returning(Message.id, sort_by_parameter_order=True),
        rows,
        execution_options={"render_nulls": True},
    ).all()
    by_text = {
        (row["inbox_id"], row["created_at"], row["body"]): message_id
        for row, message_id in zip(rows, message_ids, strict=True)
    }

    def id_of(text: dict[str, Any] | None) -> int | None:
        return by_text[text["inbox_id"], text["created_at"], text["body"]] if text else None

    # The first change of every contact, then the second, and so on: each follows the one before.
    for wave in zip_longest(*changes):
        record_changes(
            [
                Change(
                    turn.contact["id"],
                    turn.inbox.team_id,
                    turn.status,
                    turn.source,
                    turn.user_id,
                    id_of(turn.text),
                    words=turn.text["body"] if turn.text else "",
                    at=turn.at,
                )
                for turn in wave
                if turn
            ]
        )
    for turns in changes:
        if turns[-1].text and turns[-1].status == Status.OPTED_OUT:
            _block(turns[-1])
    for contact, inbox, text in flags:
        possible.flag(contact["id"], inbox.team_id, id_of(text) or 0, text["body"], tenant.zone)


def _block(turn: _Turn) -> None:
    """The bars that such a text sets beside consent when it comes in by the usual way."""
    words = normalise(turn.text["body"]) if turn.text else ""
    contact_id: int = turn.contact["id"]
    if words in EVERY_TEAM_WORDS:
        blocks.block(contact_id, BlockScope.ORGANISATION)
    if turn.inbox.personal:
        blocks.block(contact_id, BlockScope.PERSONAL)
    if turn.inbox.toll_free and words in TOLL_FREE_BLOCK_WORDS:
        blocks.block(contact_id, BlockScope.CARRIER_NUMBER, turn.inbox.id, turn.contact["number"])
