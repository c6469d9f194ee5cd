"""The numbers teams text from, and who sees which."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from cadence_app.accounts import email_addresses
from cadence_app.accounts.models import Role, Team, TeamMember, User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox, InboxKind
from cadence_app.phone_numbers import area_code_of


def create_inbox(team: Team, number: str, name: str, owner: str | None = None) -> Inbox:
    """A shared inbox, or the personal one of the user with the e-mail address `owner`. Errors: ValueError
    for a number that is taken and for an owner who is not in the team."""
    user = None
    if owner:
        user = db.session.scalars(select(User).where(email_addresses.same(User.email, owner))).one_or_none()
        if user is None or team not in user.teams:
            raise ValueError(f"{owner} is not in {team.name}")
    if db.session.execute(select(func.find_inbox(number))).first():
        raise ValueError(f"{number} is the number of another inbox")
    inbox = Inbox(
        tenant_id=team.tenant_id,
        team_id=team.id,
        user_id=user.id if user else None,
        kind=InboxKind.PERSONAL if user else InboxKind.SHARED,
        name=name,
        number=number,
    )
    db.session.add(inbox)
    db.session.flush()
    return inbox


def visible_to(user: User) -> ColumnElement[bool]:
    """The condition on Inbox for those a user works in: their teams' shared ones and their own."""
    return seen_by(user.id) if user.works_desk else false()


def seen_by(user_id: int | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """The same condition by the id of somebody who works at the desk, or by `User.id` in a query that reads
    the user too."""
    teams = select(TeamMember.team_id).where(TeamMember.user_id == user_id).correlate(User)
    return Inbox.team_id.in_(teams) & or_(Inbox.kind == InboxKind.SHARED, Inbox.user_id == user_id)


def area_codes_of(team_ids: Sequence[int]) -> list[str]:
    """The area codes of these teams' shared inboxes, the first team's and oldest inbox's first: where a local
    number is probably meant to be."""
    query = select(Inbox.team_id, Inbox.number).where(
        Inbox.team_id.in_(team_ids), Inbox.kind == InboxKind.SHARED, Inbox.closed_at.is_(None)
    )
    found = sorted(db.session.execute(query.order_by(Inbox.id)), key=lambda row: team_ids.index(row.team_id))
    return list(dict.fromkeys(code for row in found if (code := area_code_of(row.number))))


def area_code_near(team_ids: Sequence[int]) -> str:
    """The first of them, empty where they have none."""
    return next(iter(area_codes_of(team_ids)), "")


def people_in(inbox: Inbox) -> list[User]:
    """Those who work in an inbox, by name: the team's for a shared one, else its owner."""
    query = (
        select(User)
        .join(TeamMember, TeamMember.user_id == User.id)
        .where(TeamMember.team_id == inbox.team_id, User.active, User.invited_at.is_(None))
        .where(User.role != Role.AUDITOR)
    )
    if inbox.personal:
        query = query.where(User.id == inbox.user_id)
    return list(db.session.scalars(query.order_by(func.lower(User.name), User.id)))


def people_of(inboxes: Sequence[Inbox]) -> list[User]:
    """Those who work in any of these shared inboxes, by name: one statement, however many."""
    query = (
        select(User)
        .where(User.active, User.invited_at.is_(None), User.role != Role.AUDITOR)
        .where(
            User.id.in_(
                select(TeamMember.user_id).where(TeamMember.team_id.in_({each.team_id for each in inboxes}))
            )
        )
    )
    return list(db.session.scalars(query.order_by(func.lower(User.name), User.id)))
