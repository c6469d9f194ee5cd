"""The demo's conversations, whose texts and opt-out changes agree."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from cadence_app.accounts.models import Tenant, User
from cadence_app.consent import blocks, possible
from cadence_app.consent.keywords import TOLL_FREE_BLOCK_WORDS, Meaning, normalise, read
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import BlockScope, Source, Status
from cadence_app.consent.service import is_toll_free
from cadence_app.contacts.models import Contact
from cadence_app.demo import dialogue
from cadence_app.extensions import db
from cadence_app.messaging.auto_replies import text_of
from cadence_app.messaging.models import Conversation, Direction, Inbox, Message, MessageKind, MessageState

_RECENT = 24
_UNKNOWN = 6


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
    changes: list[tuple[Any, ...]] = []
    for index, contact in enumerate(contacts + unknown):
        inbox = chance.choice(inboxes[:2] if index >= len(contacts) else inboxes)
        talk, ending = _talk(index, contact, chance)
        author = inbox.user or chance.choice(users)
        said = dialogue.lines(
            talk,
            first=contact["first_name"],
            agent=author.name.split()[0],
            team=inbox.team.name,
            tenant=tenant.name,
        )
        at = moments[index] - timedelta(minutes=sum(minutes for minutes, _, _ in said))
        texts = []
        for minutes, inbound, body in said:
            at += timedelta(minutes=minutes, seconds=chance.randrange(60) if minutes else 0)
            texts.append(_text(inbox, at, body, None if inbound else author))
        first = (
            Source.COLD_INBOUND if contact in unknown else chance.choice((Source.IMPORT, Source.MANUAL_ADD))
        )
        begun = texts[0]["created_at"] - timedelta(0 if contact in unknown else chance.uniform(5, 90))
        actor = author.id if first == Source.MANUAL_ADD else None
        changes.append((contact, inbox, Status.OPTED_IN, first, begun, None, actor))
        keyword = read(texts[-1]["body"], {}) if ending == "stop" else None
        if keyword:
            stopped = texts[-1]
            changes.append(
                (contact, inbox, Status.OPTED_OUT, Source.KEYWORD, stopped["created_at"], stopped, None)
            )
            reply = _text(inbox, at + timedelta(seconds=2), text_of(inbox.team, Meaning.OUT), None)
            texts.append(
                reply
                | {"direction": Direction.OUTBOUND, "kind": MessageKind.OPT_OUT_REPLY, "opened_at": None}
            )
        if ending == "maybe":
            flags.append((contact, inbox, texts[-1]))
        last = texts[-1]
        waits = last["direction"] == Direction.INBOUND and index < _RECENT and not index % 3
        if waits:
            last["opened_at"] = None
        conversations.append(
            {
                "tenant_id": tenant.id,
                "inbox_id": inbox.id,
                "contact_id": contact["id"],
                "last_message_at": last["created_at"],
                "last_message_text": last["body"],
                "unread": int(waits),
            }
        )
        messages.append(texts)
    _save(tenant, conversations, messages, changes, flags)


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


def _talk(index: int, contact: dict[str, Any], chance: random.Random) -> tuple[str, str]:
    if not contact["first_name"]:
        return dialogue.COLD_TALKS[index % len(dialogue.COLD_TALKS)], ""
    if index in {4, 11}:
        return dialogue.MAYBE_TALKS[index % 2], "maybe"
    if index in {2, 9} or (index > _RECENT and chance.random() < 0.08):
        return chance.choice(dialogue.STOP_TALKS), "stop"
    return chance.choice(dialogue.TALKS), ""


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
    }


def _save(
    tenant: Tenant,
    conversations: list[dict[str, Any]],
    messages: list[list[dict[str, Any]]],
    changes: list[tuple[Any, ...]],
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
    for row in rows:
        if row["kind"] == MessageKind.OPT_OUT_REPLY:
            row["state"] = MessageState.DELIVERED
    message_ids = db.session.scalars(
        insert(Message).returning(Message.id, sort_by_parameter_order=True), rows
    ).all()
    by_text = {
        (row["inbox_id"], row["created_at"], row["body"]): message_id
        for row, message_id in zip(rows, message_ids, strict=True)
    }

    def id_of(text: dict[str, Any] | None) -> int | None:
        return by_text[text["inbox_id"], text["created_at"], text["body"]] if text else None

    for status in (Status.OPTED_IN, Status.OPTED_OUT):
        record_changes(
            [
                Change(
                    contact["id"],
                    inbox.team_id,
                    became,
                    source,
                    user_id,
                    id_of(text),
                    words=text["body"] if text else "",
                    at=at,
                )
                for contact, inbox, became, source, at, text, user_id in changes
                if became == status
            ]
        )
    for contact, inbox, became, _, _, text, _ in changes:
        if became == Status.OPTED_OUT:
            _block(contact["id"], inbox, text["body"])
    for contact, inbox, text in flags:
        possible.flag(contact["id"], inbox.team_id, id_of(text) or 0, text["body"], tenant.zone)


def _block(contact_id: int, inbox: Inbox, words: str) -> None:
    """The bars that such a text sets beside consent when it comes in by the usual way."""
    if inbox.personal:
        blocks.block(contact_id, BlockScope.PERSONAL)
    if is_toll_free(inbox.number) and normalise(words) in TOLL_FREE_BLOCK_WORDS:
        blocks.block(contact_id, BlockScope.CARRIER_NUMBER, inbox.id)
