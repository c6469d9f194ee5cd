"""Making, renaming, handing over and closing inboxes. Each function audits what it changes; the caller
commits."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from cadence_app.accounts import audit
from cadence_app.accounts.audit import Actor
from cadence_app.accounts.models import Role, Team, TeamMember, User
from cadence_app.accounts.service import Refused
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import create_inbox
from cadence_app.ui.formatting import phone


class NumberTaken(Refused):
    """Another inbox has the number: this tenant's or, without a word of whose, another's."""


def listed() -> list[Inbox]:
    """Every inbox of the tenant: the open ones first, shared before personal, by name."""
    query = select(Inbox).options(joinedload(Inbox.team), joinedload(Inbox.user))
    order = (Inbox.closed_at.is_not(None), Inbox.kind.desc(), func.lower(Inbox.name), Inbox.id)
    return list(db.session.scalars(query.order_by(*order)))


def find_inbox(inbox_id: int) -> Inbox | None:
    return db.session.get(Inbox, inbox_id)


def possible_owners(team: Team) -> list[User]:
    """Who may own a personal inbox in a team: its members who work with conversations."""
    return list(
        db.session.scalars(
            select(User)
            .join(TeamMember, TeamMember.user_id == User.id)
            .where(TeamMember.team_id == team.id, User.active, User.role != Role.AUDITOR)
            .order_by(User.name, User.id)
        )
    )


def make_inbox(actor: Actor, team: Team, number: str, name: str, owner: User | None) -> Inbox:
    """A shared inbox, or the personal one of `owner`. Errors: NumberTaken; Refused for an owner who may not
    have one there, and a closed team."""
    _hold(team)
    _check_owner(team, owner)
    taken = f"{phone(number)} cannot be used here: it belongs to an inbox already."
    if db.session.execute(select(func.find_inbox(number))).first():
        raise NumberTaken(taken)
    try:
        inbox = create_inbox(team, number, name, owner.email if owner else None)
    except IntegrityError as error:
        # Somebody else took it between the two statements.
        db.session.rollback()
        raise NumberTaken(taken) from error
    audit.record(
        actor,
        "inbox.made",
        name,
        number=(None, number),
        team=(None, team.name),
        owner=(None, owner.name if owner else None),
    )
    return inbox


def rename(actor: Actor, inbox: Inbox, name: str) -> None:
    before, inbox.name = inbox.name, name
    if before != name:
        audit.record(actor, "inbox.renamed", name, name=(before, name))


def hand_over(actor: Actor, inbox: Inbox, owner: User) -> None:
    """Gives a personal inbox, with its conversations, to another member of its team. Errors: Refused."""
    if not inbox.personal:
        raise Refused("A shared inbox belongs to everybody and has no owner.")
    _check_owner(inbox.team, owner)
    before = inbox.user.name if inbox.user else None
    if inbox.user_id != owner.id:
        inbox.user = owner
        audit.record(actor, "inbox.handed_over", inbox.name, owner=(before, owner.name))


def close(actor: Actor, inbox: Inbox) -> None:
    """From now on nothing goes out of it. A text to it is still recorded, and a keyword still counts; the
    confirmation of it is kept and not sent."""
    if inbox.closed_at is None:
        inbox.closed_at = func.now()
        audit.record(actor, "inbox.closed", inbox.name, number=(inbox.number, inbox.number))


def reopen(actor: Actor, inbox: Inbox) -> None:
    """Errors: Refused where its team is closed or its owner may have none any more."""
    _hold(inbox.team)
    _check_owner(inbox.team, inbox.user)
    if inbox.closed_at is not None:
        inbox.closed_at = None
        audit.record(actor, "inbox.reopened", inbox.name)


def _hold(team: Team) -> None:
    """Nobody closes the team before this transaction ends. Errors: Refused where it is closed."""
    db.session.refresh(team, with_for_update={"read": True})
    if team.closed_at:
        raise Refused(f"{team.name} is closed. Reopen it first.")


def _check_owner(team: Team, owner: User | None) -> None:
    if owner is not None and owner not in possible_owners(team):
        raise Refused(f"{owner.name} does not work in {team.name}. Choose one of its members.")
