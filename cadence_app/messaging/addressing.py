"""Whom a new text may go to, and from which inboxes: what somebody chooses from before they write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, lateral, select, true
from sqlalchemy.orm import joinedload

from cadence_app.accounts.models import Team, User
from cadence_app.consent import blocks, number_stops
from cadence_app.consent.may_text import Bar, Kind
from cadence_app.consent.models import Consent, Status
from cadence_app.consent.number_holders import contact_with
from cadence_app.contacts.models import Contact
from cadence_app.contacts.searching import matches
from cadence_app.contacts.service import find_contact, team_ids
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import area_code_near, visible_to
from cadence_app.messaging import bars
from cadence_app.messaging.models import Conversation, Message
from cadence_app.phone_numbers import BadNumber, LocalNumber, digits_of, parse_number, with_area_code

# Enough to choose from; whoever is not among them is found by more letters.
MOST_PEOPLE = 8
# In so many of an inbox's latest conversations it is looked for whether the user wrote there.
_LATEST = 30


@dataclass(frozen=True)
class Found:
    """Who fits what was typed, `more` if there are others. `meant` is the one whom Enter chooses without
    asking. `number` (E.164) is what was typed where it is a number that nobody of these has, `nearby` the
    one it may be with the area code it lacks, and `problem` why it is none."""

    people: Sequence[Contact] = ()
    more: bool = False
    meant: Contact | None = None
    number: str = ""
    nearby: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Choice:
    """An inbox that the user may text from, and how it stands there with the person. `status` and
    `conversation` are None where there is none; `barred` says what is in the way, in order. `joins`: sending
    adds them to the inbox's team first, where they are opted out from the start if `starts_out`."""

    inbox: Inbox
    conversation: Conversation | None
    status: Status | None
    bar: Bar | None
    barred: tuple[str, ...]
    joins: bool
    starts_out: bool

    @property
    def free(self) -> bool:
        """Whether a text would go."""
        return not self.barred and not self.starts_out


def find_people(user: User, typed: str) -> Found:
    """The people in a user's teams with a name, ContactId, number or tag like what was typed; by name."""
    if not typed:
        return Found()
    number, nearby, problem = _number_in(user, typed)
    if number and (holder := contact_with(number)) and (known := find_contact(user, holder)):
        return Found([known], meant=known)
    shared = select(Consent.contact_id).where(Consent.team_id.in_(team_ids(user)))
    query = (
        select(Contact)
        .where(Contact.id.in_(shared), matches(typed))
        .order_by(Contact.last_key, Contact.first_key, Contact.id)
    )
    people = list(db.session.scalars(query.limit(MOST_PEOPLE + 1)))
    same = [
        each for each in people if typed.casefold() in (each.name.casefold(), each.external_id.casefold())
    ]
    one = same if len(same) == 1 and len(people) <= MOST_PEOPLE else people
    return Found(
        people[:MOST_PEOPLE],
        more=len(people) > MOST_PEOPLE,
        meant=one[0] if len(one) == 1 else None,
        number=number,
        nearby=nearby,
        problem="" if people else problem,
    )


def offered_inboxes(user: User) -> list[Inbox]:
    """The open inboxes that a user works in, where they wrote last first; the others by kind and name."""
    query = (
        select(Inbox)
        .join(Team, Team.id == Inbox.team_id)
        .where(visible_to(user), Inbox.closed_at.is_(None), Team.closed_at.is_(None))
        .options(joinedload(Inbox.team))
        .order_by(Inbox.kind.desc(), func.lower(Inbox.name), Inbox.id)
    )
    inboxes = list(db.session.scalars(query))
    wrote = _wrote_last(user, [inbox.id for inbox in inboxes])
    return sorted(inboxes, key=lambda inbox: -wrote.get(inbox.id, 0))


def choices(inboxes: Sequence[Inbox], contact: Contact | None, number: str = "") -> list[Choice]:
    """These inboxes as they stand with a contact, or with a number (E.164, or empty while there is none) that
    nobody whom the user may see has. The number that the contact knows comes first: that of the inbox where
    they talked last."""
    if contact is None:
        return [_with_newcomer(inbox, number) for inbox in inboxes]
    theirs = select(Conversation).where(
        Conversation.contact_id == contact.id, Conversation.inbox_id.in_([inbox.id for inbox in inboxes])
    )
    talks = {talk.inbox_id: talk for talk in db.session.scalars(theirs)}
    stored = select(Consent.team_id, Consent.status).where(Consent.contact_id == contact.id)
    statuses = {row.team_id: row.status for row in db.session.execute(stored)}
    made = [
        _with_contact(inbox, contact, talks.get(inbox.id), statuses.get(inbox.team_id)) for inbox in inboxes
    ]
    return sorted(made, key=_talked_last)


def chosen(made: Sequence[Choice], inbox_id: int | None) -> Choice | None:
    """The choice of an inbox, where it is among these."""
    return next((each for each in made if each.inbox.id == inbox_id), None)


def first_of(made: Sequence[Choice]) -> Choice:
    """The first from which a text would go; else the first. Nobody joins a team unless somebody chooses that:
    who has stopped the one they are in least of all."""
    theirs = [each for each in made if not each.joins] or list(made)
    return next((each for each in theirs if each.free), theirs[0])


def _with_contact(inbox: Inbox, contact: Contact, talk: Conversation | None, status: Status | None) -> Choice:
    found = [each for each in bars.ask(inbox, contact.id, Kind.BY_HAND).bars if each != Bar.NOT_IN_TEAM]
    starts_out = status is None and (
        blocks.stops_everywhere(contact.id) or number_stops.reason(contact.id, inbox.team_id) is not None
    )
    return Choice(
        inbox,
        talk,
        status,
        found[0] if found else None,
        tuple(bars.words_of(each, inbox) for each in found),
        joins=status is None,
        starts_out=starts_out,
    )


def _with_newcomer(inbox: Inbox, number: str) -> Choice:
    stopped = bool(number) and number_stops.stopped(number, inbox.team_id)
    return Choice(inbox, None, None, None, (), joins=True, starts_out=stopped)


def _talked_last(choice: Choice) -> float:
    return -choice.conversation.last_message_at.timestamp() if choice.conversation else 0.0


def _number_in(user: User, typed: str) -> tuple[str, str, str]:
    """A number that was typed, one that it may be, and why it is none. Each is empty where it does not apply,
    and all where letters say that it is a name."""
    if not digits_of(typed):
        return "", "", ""
    try:
        return parse_number(typed), "", ""
    except LocalNumber as local:
        near = area_code_near(team_ids(user))
        return "", with_area_code(near, local.digits) or "" if near else "", str(local)
    except BadNumber as bad:
        return "", "", "" if any(each.isalpha() for each in typed) else str(bad)


def _wrote_last(user: User, inbox_ids: Sequence[int]) -> dict[int, int]:
    """The id of the last text that a user wrote by hand in each of these inboxes, of those that are among its
    latest conversations."""
    latest = lateral(
        select(Conversation.id)
        .where(Conversation.inbox_id == Inbox.id)
        .order_by(Conversation.last_message_at.desc(), Conversation.id.desc())
        .limit(_LATEST)
    )
    wrote = (
        select(Message.inbox_id, func.max(Message.id).label("last"))
        .select_from(Inbox)
        .join(latest, true())
        .join(Message, Message.conversation_id == latest.c.id)
        .where(Inbox.id.in_(inbox_ids), Message.user_id == user.id, Message.campaign_id.is_(None))
        .group_by(Message.inbox_id)
    )
    return {row.inbox_id: row.last for row in db.session.execute(wrote)}
