"""Everything stored about one person, as they may ask for it: a ZIP of JSON, CSV and the certificate."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import IO, Any

from sqlalchemy import func, select

from cadence_app.accounts.models import Team, User
from cadence_app.campaigns.models import Campaign, Recipient
from cadence_app.consent import blocks, team_only
from cadence_app.consent.ledger import with_merged
from cadence_app.consent.models import Consent, OptOutChange, PossibleOptOut
from cadence_app.contacts import fields, tags
from cadence_app.contacts.imports.models import Import, ImportContact
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.desk_models import AssignmentChange, Note
from cadence_app.messaging.models import Conversation, Message, ScheduledText
from cadence_app.records import personal_files, phones
from cadence_app.records.certificate import certify
from cadence_app.records.certificate_pdf import draw
from cadence_app.spreadsheets import defused
from cadence_app.ui.navigation import Words

# Of texts and changes together. A person has some hundreds; past this a page would wait too long.
MOST_ROWS = 50_000
# Of all files together: a page would wait too long, and the ZIP grow too large to be taken along.
MOST_BYTES = 500 * 1024 * 1024
_IN_MEMORY = 4 * 1024 * 1024

Rows = list[dict[str, Any]]


class TooMuch(ValueError):
    """More rows, or larger files, than a download may have."""


def archive_of(user: User, contact: Contact, words: Words) -> IO[bytes]:
    """The ZIP file, at its start. Errors: TooMuch."""
    _refuse_too_much(contact.id)
    files = personal_files.of_contact(contact.id)
    tables = {
        "history": _history(contact.id),
        "texts": _texts(contact.id),
        "files": personal_files.rows(files),
        "numbers": _numbers(contact.id),
        "statuses": _statuses(contact.id),
        "possible_opt_outs": _flags(contact.id),
        "texts_set_for_later": _later(contact.id),
        "campaigns": _campaigns(contact.id),
        "notes": _notes(contact.id),
        "assignments": _assignments(contact.id),
        "imports": _imports(contact.id),
    }
    person = _person(contact)
    target = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller sends it
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _about(user, contact))
        archive.writestr("data.json", json.dumps({"person": person, **tables}, ensure_ascii=False, indent=2))
        for name, rows in tables.items():
            archive.writestr(f"{name}.csv", _csv(rows))
        personal_files.put(archive, files)
        certificate = certify(user, contact.id)
        if certificate:
            archive.writestr("consent-certificate.pdf", draw(certificate, words))
    target.seek(0)
    return target


def _refuse_too_much(contact_id: int) -> None:
    texts = select(func.count()).select_from(Message).join(Message.conversation)
    changes = select(func.count()).select_from(OptOutChange)
    ids = with_merged(contact_id)
    count = db.session.scalars(texts.where(Conversation.contact_id.in_(ids))).one()
    count += db.session.scalars(changes.where(OptOutChange.contact_id.in_(ids))).one()
    if count > MOST_ROWS or personal_files.total_bytes(contact_id) > MOST_BYTES:
        raise TooMuch


def _about(user: User, contact: Contact) -> str:
    now = db.session.scalars(select(func.now())).one()
    return (
        f"What {user.tenant.name} has stored in Cadence about {contact.name or contact.number}.\n"
        f"Made {_utc(now)} by {user.name}. Times are UTC.\n\n"
        "data.json has everything; the CSV files have the same in tables. history is every change of the\n"
        "consent to be texted, texts every text either way, files what came or went with them (the folder\n"
        "files has the files themselves), numbers the phone numbers over time, statuses the consent as it\n"
        "is now, possible_opt_outs the texts that read like an opt out and what was decided about them,\n"
        "texts_set_for_later those that were written ahead, campaigns the lists of people to text that\n"
        "they are on, imports the files of the last year that named them, notes what users wrote to each\n"
        "other beside the texts, and assignments which user had which of their conversations.\n"
        "consent-certificate.pdf is the history with what proves that it was not altered.\n"
    )


def _person(contact: Contact) -> dict[str, Any]:
    question = team_only.question_of(contact.id)
    return {
        "contact": contact.id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "contact_id": contact.external_id,
        "number": contact.number,
        "added": _utc(contact.created_at),
        "tags": [tag.name for tag in tags.tags_of([contact.id])[contact.id]],
        "fields": {
            field.name: contact.custom[str(field.id)]
            for field in fields.custom_fields()
            if str(field.id) in contact.custom
        },
        "asked_which_teams_to_stop": _utc(question.said_at) if question else "",
        "blocks": [
            {"scope": block.scope, "since": _utc(block.since), "number": block.number, "reason": block.reason}
            for block in blocks.blocks_of(contact.id)
        ],
    }


def _history(contact_id: int) -> Rows:
    query = (
        select(OptOutChange, Team.name)
        .join(Team, Team.id == OptOutChange.team_id)
        .where(OptOutChange.contact_id.in_(with_merged(contact_id)))
        .order_by(OptOutChange.changed_at, OptOutChange.id)
    )
    return [
        {
            "row": change.id,
            "at": _utc(change.changed_at),
            "status": change.status,
            "team": team,
            "team_code": change.team_code,
            "source": change.source,
            "by": change.user_name,
            "words": change.words,
            "reason": change.reason,
            "first_name": change.first_name,
            "last_name": change.last_name,
            "contact_id": change.external_id,
            "number": change.number,
        }
        for change, team in db.session.execute(query)
    ]


def _texts(contact_id: int) -> Rows:
    query = (
        select(Message, Inbox.name, Inbox.number, User.name)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Inbox, Inbox.id == Conversation.inbox_id)
        .outerjoin(User, User.id == Message.user_id)
        .where(Conversation.contact_id.in_(with_merged(contact_id)))
        .order_by(Message.created_at, Message.id)
    )
    return [
        {
            "at": _utc(message.created_at),
            "direction": message.direction,
            "text": message.body,
            "state": message.state,
            "note": message.detail,
            "inbox": inbox,
            "inbox_number": number,
            "other_number": message.other_number or "",
            "by": by or "",
        }
        for message, inbox, number, by in db.session.execute(query)
    ]


def _numbers(contact_id: int) -> Rows:
    return [
        {
            "number": each.number,
            "since": _utc(each.since),
            "until": _utc(each.until),
            "by": each.user.name if each.user else "",
            "ended_by": each.ended_by.name if each.ended_by else "",
            "reason": each.reason,
        }
        for each in phones.numbers_of(contact_id)
    ]


def _statuses(contact_id: int) -> Rows:
    query = select(Consent).join(Consent.team).where(Consent.contact_id == contact_id).order_by(Team.name)
    return [
        {"team": consent.team.name, "status": consent.status, "since": _utc(consent.since)}
        for consent in db.session.scalars(query)
    ]


def _flags(contact_id: int) -> Rows:
    query = (
        select(PossibleOptOut, Team.name)
        .join(Team, Team.id == PossibleOptOut.team_id)
        .where(PossibleOptOut.contact_id.in_(with_merged(contact_id)))
        .order_by(PossibleOptOut.id)
    )
    return [
        {
            "at": _utc(flag.received_at),
            "team": team,
            "words": flag.words,
            "from_numbers": sorted(set(flag.numbers)),
            "flagged_by_words": flag.phrases,
            "flagged_by_classifier_version": flag.classifier,
            "due_on": flag.due_on.isoformat(),
            "decision": flag.decision,
            "decided_at": _utc(flag.decided_at),
            "decided_by": flag.decided_by.name if flag.decided_by else "",
        }
        for flag, team in db.session.execute(query)
    ]


def _later(contact_id: int) -> Rows:
    query = (
        select(ScheduledText, User.name)
        .join(User, User.id == ScheduledText.user_id)
        .join(Conversation, Conversation.id == ScheduledText.conversation_id)
        .where(Conversation.contact_id.in_(with_merged(contact_id)))
        .order_by(ScheduledText.id)
    )
    return [
        {"for": _utc(each.send_at), "text": each.body, "state": each.state, "by": by}
        for each, by in db.session.execute(query)
    ]


def _campaigns(contact_id: int) -> Rows:
    query = (
        select(Recipient, Campaign.name)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .where(Recipient.contact_id.in_(with_merged(contact_id)))
        .order_by(Recipient.id)
    )
    return [
        {
            "campaign": name,
            "entry": each.entry,
            "state": each.state,
            "left_out_because": each.reason,
            "sent_at": _utc(each.sent_at),
        }
        for each, name in db.session.execute(query)
    ]


def _notes(contact_id: int) -> Rows:
    query = (
        select(Note, Inbox.name, User.name)
        .join(User, User.id == Note.user_id)
        .join(Conversation, Conversation.id == Note.conversation_id)
        .join(Inbox, Inbox.id == Conversation.inbox_id)
        .where(Conversation.contact_id.in_(with_merged(contact_id)))
        .order_by(Note.created_at, Note.id)
    )
    return [
        {"at": _utc(note.created_at), "note": note.body, "inbox": inbox, "by": by}
        for note, inbox, by in db.session.execute(query)
    ]


def _assignments(contact_id: int) -> Rows:
    query = (
        select(AssignmentChange, Inbox.name)
        .join(Conversation, Conversation.id == AssignmentChange.conversation_id)
        .join(Inbox, Inbox.id == Conversation.inbox_id)
        .where(Conversation.contact_id.in_(with_merged(contact_id)))
        .order_by(AssignmentChange.created_at, AssignmentChange.id)
    )
    return [
        {
            "at": _utc(change.created_at),
            "inbox": inbox,
            "from": change.before.name if change.before else "",
            "to": change.after.name if change.after else "",
            "by": change.user.name if change.user else "",
        }
        for change, inbox in db.session.execute(query)
    ]


def _imports(contact_id: int) -> Rows:
    query = (
        select(Import)
        .join(ImportContact, ImportContact.import_id == Import.id)
        .where(ImportContact.contact_id == contact_id)
        .order_by(Import.id)
    )
    return [{"file": each.file_name, "at": _utc(each.started_at)} for each in db.session.scalars(query)]


def _utc(value: datetime | None) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if value else ""


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """A table for spreadsheets: UTF-8 with BOM, and text that a spreadsheet would run defused (OWASP)."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _defused(name, value) for name, value in row.items()} for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _defused(name: str, value: Any) -> Any:
    if name in {"number", "inbox_number", "other_number"} or not isinstance(value, str):
        return value
    return defused(value)
