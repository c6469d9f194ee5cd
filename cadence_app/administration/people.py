"""Finding and changing users. Each function audits what it changes; the caller commits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, delete, func, or_, select

from cadence_app.accounts import audit
from cadence_app.accounts.admins import hold_admins, refuse_last_admin
from cadence_app.accounts.models import Role, Team, TeamMember, User
from cadence_app.accounts.service import Refused, flush_address, refuse_taken
from cadence_app.accounts.sign_in_models import SignInSession
from cadence_app.administration.teams import open_inboxes_of
from cadence_app.alerts import mailing
from cadence_app.extensions import db
from cadence_app.messaging import assignments
from cadence_app.standing import service as standing
from cadence_app.standing.service import NO_CHOICES, Choices

PAGE = 50


class State(StrEnum):
    """Invited: asked to join and not here yet."""

    ACTIVE = "active"
    INVITED = "invited"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True)
class Asked:
    """What narrows the list of users; an empty one takes everybody."""

    search: str = ""
    state: str = ""
    role: str = ""
    team_id: int | None = None


@dataclass(frozen=True)
class Listed:
    """`seen_at` is when the user last used Cadence, None for never."""

    user: User
    seen_at: datetime | None


def find_users(asked: Asked, page: int) -> tuple[list[Listed], int]:
    """A page of users, the active ones first and by name, and how many there are in all."""
    seen = (
        select(func.max(SignInSession.last_seen_at)).where(SignInSession.user_id == User.id).scalar_subquery()
    )
    query: Select[User, datetime | None] = select(User, seen).where(*_conditions(asked))
    total = db.session.scalars(select(func.count()).select_from(query.subquery())).one()
    ordered = query.order_by(User.active.desc(), func.lower(User.name), User.id)
    rows = db.session.execute(ordered.limit(PAGE).offset((page - 1) * PAGE)).all()
    return [Listed(row[0], row[1]) for row in rows], total


def find_user(user_id: int) -> User | None:
    return db.session.get(User, user_id)


def state_of(user: User) -> State:
    if not user.active:
        return State.DEACTIVATED
    return State.INVITED if user.invited else State.ACTIVE


def edit(
    actor: User,
    user: User,
    name: str,
    role: Role,
    teams: Collection[Team],
    time_zone: str | None,
    choices: Choices = NO_CHOICES,
) -> None:
    """Changes a user. `choices` says what becomes of each API token and schedule of an admin who is none from
    now on. An auditor is in no team: they read all reports.

    Errors: Refused for the last active admin, who stays one; for leaving a team while owning an open inbox
    there; for a token or schedule without a decision; and where the actor is no admin any more.
    """
    hold_admins(actor, user)
    demoted = role != Role.ADMIN and user.is_admin
    if demoted:
        refuse_last_admin(user)
    wanted = [] if role == Role.AUDITOR else sorted(teams, key=lambda team: team.name)
    before = list(user.teams)
    leaving = {team.id for team in before} - {team.id for team in wanted}
    for inbox in open_inboxes_of({user.id}, leaving):
        raise Refused(
            f"The personal inbox {inbox.name} is in {inbox.team.name}. "
            "Give it to somebody else or close it first."
        )
    changes = {
        "name": (user.name, name),
        "role": (user.role, role),
        "teams": ([team.name for team in before], [team.name for team in wanted]),
        "time_zone": (user.time_zone, time_zone),
    }
    user.name, user.role, user.time_zone = name, role, time_zone
    db.session.execute(
        delete(TeamMember).where(TeamMember.user_id == user.id, TeamMember.team_id.in_(leaving))
    )
    joining = [team for team in wanted if team not in before]
    db.session.add_all(
        TeamMember(tenant_id=user.tenant_id, team_id=team.id, user_id=user.id) for team in joining
    )
    db.session.flush()
    if leaving:
        assignments.release([user.id], leaving)
        # It may be about what was said there.
        mailing.stop(user)
    db.session.expire(user, ["teams"])
    if any(value[0] != value[1] for value in changes.values()):
        audit.record(actor, "user.changed", user.email, **changes)
    if demoted:
        standing.settle(actor, standing.errands_of(user, hold=True), choices, user)


def reactivate(actor: User, user: User) -> None:
    """Errors: Refused where the actor is no admin any more, for who never came, and for whose address is
    somebody's in another tenant by now."""
    hold_admins(actor, user)
    if user.active:
        return
    if user.confirmed_at is None:
        raise Refused(f"{user.email} never accepted the invitation. Invite them again instead")
    refuse_taken(user.email, but=user)
    user.active = True
    flush_address(user.email)
    audit.record(actor, "user.reactivated", user.email)


def _conditions(asked: Asked) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.search:
        conditions.append(
            or_(
                User.name.icontains(asked.search, autoescape=True),
                User.email.icontains(asked.search, autoescape=True),
            )
        )
    if asked.role:
        conditions.append(User.role == asked.role)
    if asked.team_id:
        conditions.append(User.teams.any(Team.id == asked.team_id))
    if asked.state == State.DEACTIVATED:
        conditions.append(~User.active)
    elif asked.state == State.INVITED:
        conditions.append(User.active & User.invited_at.is_not(None))
    elif asked.state == State.ACTIVE:
        conditions.append(User.active & User.invited_at.is_(None))
    return conditions
