"""Two records that are one person: finding them, what a merge would do, and merging them, for good."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.accounts import audit
from cadence_app.accounts.models import Team, User
from cadence_app.consent import blocks, carrying, number_stops
from cadence_app.consent.ledger import lock_contacts
from cadence_app.consent.models import Consent, Status
from cadence_app.contacts import forgetting
from cadence_app.contacts.models import Contact, ContactNumber, ContactTag
from cadence_app.extensions import db
from cadence_app.messaging.conversations import hold_queued
from cadence_app.messaging.desk_models import AssignmentChange, Note
from cadence_app.messaging.models import Conversation, Message, ScheduledText
from cadence_app.phone_numbers import spelled
from cadence_app.records.phones import Gone, earlier_holders
from cadence_app.retention.protecting import OnHold, on_hold, until_done

_MOST = 10


@dataclass(frozen=True)
class TeamOutcome:
    """One team's statuses before a merge, None where a record is not in it, and after it."""

    team: Team
    kept: str | None
    gone: str | None
    after: Status


def likely_duplicates(contact: Contact) -> list[Contact]:
    """Contacts who may be the same person: of the same name, either way round, of the same last name and
    the same start of the first one, or who had this one's number before."""
    found = {other.id: other for other in earlier_holders(contact.number) if other.id != contact.id}
    first, last = contact.first_name.strip().lower(), contact.last_name.strip().lower()
    if first and last:
        of_first, of_last = func.lower(Contact.first_name), func.lower(Contact.last_name)
        similar = or_(
            (of_last == last) & of_first.startswith(first[:3], autoescape=True),
            (of_last == first) & (of_first == last),
        )
        same = (of_last == last) & (of_first == first)
        query = select(Contact).where(similar, Contact.id != contact.id, Contact.gone_at.is_(None))
        for other in db.session.scalars(query.order_by(same.desc(), Contact.id).limit(_MOST)):
            found.setdefault(other.id, other)
    return list(found.values())[:_MOST]


def outcomes(kept_id: int, gone_id: int, texted_id: int) -> list[TeamOutcome]:
    """What a merge would do to the status in every team that either is in, by the team's name."""
    query = select(Consent).join(Consent.team).where(Consent.contact_id.in_((kept_id, gone_id)))
    by_team: dict[int, dict[int, str]] = {}
    teams: dict[int, Team] = {}
    for consent in db.session.scalars(query.order_by(Team.name)):
        teams[consent.team_id] = consent.team
        by_team.setdefault(consent.team_id, {})[consent.contact_id] = consent.status
    other_id = gone_id if texted_id == kept_id else kept_id
    everywhere = blocks.stopped_everywhere((kept_id, gone_id))
    return [
        TeamOutcome(
            teams[team_id],
            each.get(kept_id),
            each.get(gone_id),
            carrying.merged_status(
                *(carrying.standing(each.get(side), side in everywhere) for side in (texted_id, other_id))
            ),
        )
        for team_id, each in by_team.items()
    ]


def merge(user: User, kept_id: int, gone_id: int, texted_id: int) -> None:
    """Merges a contact into the one kept, and commits. `texted_id` is the one of both whose number is texted.

    The history of both keeps what was written and under whose id. Errors: Gone, where either was merged or
    erased meanwhile; OnHold, where the one that would go is on legal hold; ValueError where they are the
    same.
    """
    if kept_id == gone_id or texted_id not in {kept_id, gone_id}:
        raise ValueError("a contact can't be merged with itself")
    until_done(lambda: _merge(user, kept_id, gone_id, texted_id))


def _merge(user: User, kept_id: int, gone_id: int, texted_id: int) -> None:
    hold_queued(gone_id)
    if len(lock_contacts(sorted((kept_id, gone_id)))) != 2:
        db.session.rollback()
        raise Gone
    if on_hold([gone_id]):
        db.session.rollback()
        raise OnHold
    kept = db.session.get_one(Contact, kept_id, populate_existing=True)
    gone = db.session.get_one(Contact, gone_id, populate_existing=True)
    who = gone.name or gone.number
    if gone.external_id and kept.external_id:
        who += f", ContactId {gone.external_id}"
    _move_details(kept, gone)
    _move_numbers(user, kept, gone, texted_id)
    _move_conversations(kept_id, gone_id)
    forgetting.move(kept_id, gone_id)
    carrying.merge(user, kept_id, gone_id, texted_id, who)
    audit.record(user, "contact.merged", f"Contact {kept_id}", merged=(None, f"Contact {gone_id}"))
    db.session.commit()


def _move_details(kept: Contact, gone: Contact) -> None:
    """Fills what the kept record lacks; where both say something, the kept one's stays."""
    if not kept.name:
        kept.first_name, kept.last_name = gone.first_name, gone.last_name
    external_id, gone.external_id = gone.external_id, ""
    kept.custom = gone.custom | kept.custom
    db.session.flush()
    kept.external_id = kept.external_id or external_id
    tags = select(ContactTag.tag_id, ContactTag.tenant_id, literal(kept.id))
    given = upsert(ContactTag).from_select(
        ["tag_id", "tenant_id", "contact_id"], tags.where(ContactTag.contact_id == gone.id)
    )
    db.session.execute(given.on_conflict_do_nothing())
    db.session.execute(delete(ContactTag).where(ContactTag.contact_id == gone.id))


def _move_numbers(user: User, kept: Contact, gone: Contact, texted_id: int) -> None:
    """Every number that either has reaches the kept contact from now on."""
    current = select(ContactNumber.number).where(
        ContactNumber.contact_id == gone.id, ContactNumber.until.is_(None)
    )
    # A number in an older spelling comes along in the present one, which the kept one may have already.
    numbers, texted = {spelled(number) for number in db.session.scalars(current)}, spelled(gone.number)
    has = select(ContactNumber.number).where(
        ContactNumber.contact_id == kept.id, ContactNumber.until.is_(None)
    )
    new = sorted(numbers - set(db.session.scalars(has)))
    # A bar goes with the number that ends here.
    barred = {(scope, spelled(number), team_id) for scope, number, team_id in number_stops.barred(gone.id)}
    db.session.execute(
        update(ContactNumber)
        .where(ContactNumber.contact_id == gone.id, ContactNumber.until.is_(None))
        .values(until=func.now(), ended_by_id=user.id)
    )
    gone.number, gone.merged_into_id = f"merged-{gone.id}", kept.id
    gone.gone_at, gone.gone_by_id = func.now(), user.id
    db.session.execute(
        update(Contact).where(Contact.merged_into_id == gone.id).values(merged_into_id=kept.id)
    )
    db.session.flush()
    db.session.add_all(
        ContactNumber(
            tenant_id=kept.tenant_id,
            contact_id=kept.id,
            number=number,
            user_id=user.id,
            reason="Came with a merge.",
        )
        for number in new
    )
    db.session.flush()
    if texted_id == gone.id:
        kept.number = texted
        db.session.flush()
    number_stops.not_of_another(kept.id, numbers, barred)


def _move_conversations(kept_id: int, gone_id: int) -> None:
    """Texts with one inbox stand in one conversation."""
    theirs = {
        each.inbox_id: each
        for each in db.session.scalars(select(Conversation).where(Conversation.contact_id == kept_id))
    }
    moving = select(Conversation).where(Conversation.contact_id == gone_id).order_by(Conversation.id)
    for conversation in db.session.scalars(moving).all():
        same = theirs.get(conversation.inbox_id)
        if same is None:
            conversation.contact_id = kept_id
            continue
        for table in (Message, ScheduledText, Note, AssignmentChange):
            there = table.conversation_id == conversation.id
            db.session.execute(update(table).where(there).values(conversation_id=same.id))
        same.unread += conversation.unread
        same.assignee_id = same.assignee_id or conversation.assignee_id
        if conversation.last_message_at > same.last_message_at:
            same.last_message_at = conversation.last_message_at
            same.last_message_text = conversation.last_message_text
        db.session.delete(conversation)
    db.session.flush()
