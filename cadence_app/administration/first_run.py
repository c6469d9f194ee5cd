"""The first steps of an organisation: what each of them says is read from what is really there.

Only what no data can tell is kept (first_run_models.py): that the numbers are registered, and that the
keywords are fine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask import g
from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.administration.first_run_models import FirstRun, Registration
from cadence_app.consent.models import CustomKeyword, OptOutChange, Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import providers
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.models import Message
from cadence_app.tenancy import tenant_in_use
from cadence_app.ui import formatting

_MOST_COUNTED = 1000


class State(StrEnum):
    DONE = "done"
    TO_DO = "to_do"
    PROBLEM = "problem"


class Key(StrEnum):
    CARRIER = "carrier"
    REGISTRATION = "registration"
    INBOX = "inbox"
    PEOPLE = "people"
    COLLEAGUES = "colleagues"
    KEYWORDS = "keywords"
    STOP = "stop"


@dataclass(frozen=True)
class Step:
    """One step: how it stands, in words, and the page (endpoint) where it is done."""

    key: Key
    title: str
    state: State
    says: str
    endpoint: str


@dataclass(frozen=True)
class Checklist:
    steps: tuple[Step, ...]
    registration: Registration
    dismissed: bool

    @property
    def done(self) -> int:
        return sum(step.state == State.DONE for step in self.steps)

    @property
    def complete(self) -> bool:
        return self.done == len(self.steps)


def checklist(user: User) -> Checklist:
    """The steps of the user's organisation, an admin's."""
    told = db.session.get(FirstRun, tenant_in_use()) or FirstRun(registration=Registration.UNSAID)
    steps = (
        _carrier(),
        _registration(user, told),
        _inbox(),
        _people(),
        _colleagues(user),
        _keywords(user, told),
        _stop(user),
    )
    return Checklist(steps, told.registration, told.dismissed_at is not None)


def shown(user: User) -> Checklist | None:
    """The steps while they are worth showing: to admins, until all are done or somebody dismissed them. Read
    once for a page."""
    if not (user.is_authenticated and user.is_admin):
        return None
    if "first_run" not in g:
        told = db.session.get(FirstRun, user.tenant_id)
        found = None if told and told.dismissed_at else checklist(user)
        g.first_run = None if found and found.complete else found
    found = g.first_run
    return found if isinstance(found, Checklist) else None


def say_registration(user: User, said: Registration) -> None:
    """Keeps what an admin says of the registration; UNSAID takes it back. The caller commits."""
    before = _told().registration
    _keep(registration=said, registration_at=func.now(), registration_by_id=user.id)
    audit.record(
        user, "first_run.registration", "First steps", registration=(str(before) or None, str(said) or None)
    )


def say_keywords_seen(user: User) -> None:
    """An admin looked at the keywords and leaves them as they are. The caller commits."""
    _keep(keywords_seen_at=func.now(), keywords_seen_by_id=user.id)


def dismiss(user: User, dismissed: bool) -> None:
    """Hides the list from every admin, or brings it back. The caller commits."""
    _keep(dismissed_at=func.now() if dismissed else None, dismissed_by_id=user.id if dismissed else None)


def _told() -> FirstRun:
    return db.session.get(FirstRun, tenant_in_use()) or FirstRun(registration=Registration.UNSAID)


def _keep(**values: Any) -> None:
    row = upsert(FirstRun).values(tenant_id=tenant_in_use(), **values)
    db.session.execute(row.on_conflict_do_update(index_elements=[FirstRun.tenant_id], set_=values))
    db.session.expire_all()


def _some(query: Select[Any], most: int = _MOST_COUNTED) -> int:
    """How many rows a query has; counts no further than `most`."""
    return db.session.scalars(select(func.count()).select_from(query.limit(most).subquery())).one()


def _counted(count: int, one: str, many: str) -> str:
    if count >= _MOST_COUNTED:
        return f"{_MOST_COUNTED:,} {many} or more."
    return f"1 {one}." if count == 1 else f"{count:,} {many}."


def _carrier() -> Step:
    accounts = list(db.session.scalars(select(CarrierAccount.name).order_by(CarrierAccount.id)))
    opened = select(Inbox.id).where(Inbox.closed_at.is_(None))
    carried = _some(opened.where(Inbox.carrier_account_id.is_not(None)))
    title = "Connect a carrier"
    if not accounts:
        says = "None yet. Until then nobody receives your texts: they go to the phone simulator only."
        return Step(Key.CARRIER, title, State.TO_DO, says, "carriers.index")
    if not carried:
        says = f"{accounts[0]} is connected, but no inbox texts through it yet."
        return Step(Key.CARRIER, title, State.TO_DO, says, "carriers.index")
    of = _some(opened)
    text = "texts" if carried == 1 else "text"
    says = f"{', '.join(accounts[:3])}: {carried:,} of {of:,} open inboxes {text} through it."
    return Step(Key.CARRIER, title, State.DONE if carried == of else State.PROBLEM, says, "carriers.index")


def _registration(user: User, told: FirstRun) -> Step:
    title = "Registered with the carriers? (10DLC, toll-free)"
    refused = (
        select(Message.created_at, Message.failure_code, Inbox.number)
        .join(Inbox, Inbox.id == Message.inbox_id)
        .where(
            Message.failure_code.in_(_unregistered()),
            Message.created_at > func.now() - func.make_interval(0, 0, 1),
        )
        .order_by(Message.created_at.desc())
        .limit(1)
    )
    last = db.session.execute(refused).first()
    since = told.registration_at
    if last and (told.registration == Registration.UNSAID or since is None or last.created_at > since):
        says = (
            f"No: on {_day(last.created_at, user)} the carriers refused a text from"
            f" {formatting.phone(last.number)}, error {last.failure_code}. The number is not registered, or"
            " is registered for another use."
        )
        return Step(Key.REGISTRATION, title, State.PROBLEM, says, "help.carriers")
    if told.registration == Registration.UNSAID or since is None:
        return Step(Key.REGISTRATION, title, State.TO_DO, "Nobody has said yet.", "help.carriers")
    by = db.session.get(User, told.registration_by_id or 0)
    who = by.name if by else "An admin"
    what = "they are" if told.registration == Registration.REGISTERED else "none of your numbers needs it"
    return Step(
        Key.REGISTRATION,
        title,
        State.DONE,
        f"{who} said on {_day(since, user)} that {what}.",
        "help.carriers",
    )


def _inbox() -> Step:
    count = _some(select(Inbox.id).where(Inbox.closed_at.is_(None)))
    says = (
        _counted(count, "open inbox", "open inboxes")
        if count
        else "None yet. An inbox is a number to text from."
    )
    return Step(Key.INBOX, "Add an inbox", _if(count), says, "inboxes.index")


def _people() -> Step:
    count = _some(select(Contact.id).where(Contact.gone_at.is_(None)))
    says = (
        _counted(count, "contact", "contacts")
        if count
        else "Nobody yet. Import a file, or text one of your numbers."
    )
    return Step(Key.PEOPLE, "Bring your people", _if(count), says, "imports.index")


def _colleagues(user: User) -> Step:
    others = _some(select(User.id).where(User.id != user.id, User.active))
    says = (
        _counted(
            others, "colleague has an account or an invitation", "colleagues have an account or an invitation"
        )
        if others
        else "You are alone so far."
    )
    return Step(Key.COLLEAGUES, "Invite teammates", _if(others), says, "people.index")


def _keywords(user: User, told: FirstRun) -> Step:
    title = "Look at the keywords"
    own = _some(select(CustomKeyword.id))
    if own:
        return Step(
            Key.KEYWORDS,
            title,
            State.DONE,
            _counted(own, "word of your own", "words of your own"),
            "keywords.index",
        )
    if told.keywords_seen_at:
        says = f"Looked at on {_day(told.keywords_seen_at, user)}, and left as they are."
        return Step(Key.KEYWORDS, title, State.DONE, says, "keywords.index")
    says = "STOP, START and HELP work already. See the words that count, and what is answered."
    return Step(Key.KEYWORDS, title, State.TO_DO, says, "keywords.index")


def _stop(user: User) -> Step:
    stopped = (
        select(OptOutChange.changed_at)
        .where(OptOutChange.source == Source.KEYWORD, OptOutChange.status == Status.OPTED_OUT)
        .order_by(OptOutChange.changed_at)
        .limit(1)
    )
    at = db.session.scalar(stopped)
    title = "Try a STOP"
    if at:
        says = f"On {_day(at, user)} a phone texted an opt-out word, and was opted out."
        return Step(Key.STOP, title, State.DONE, says, "contacts.index")
    says = (
        "Text STOP to one of your numbers, from the phone simulator or your own phone, and see what happens."
    )
    return Step(Key.STOP, title, State.TO_DO, says, "dev_phone.phone")


def _if(count: int) -> State:
    return State.DONE if count else State.TO_DO


def _day(at: datetime, user: User) -> str:
    return formatting.day(at.astimezone(user.zone).date())


def _unregistered() -> list[str]:
    return sorted(frozenset().union(*(each.unregistered for each in providers.carriers())))
