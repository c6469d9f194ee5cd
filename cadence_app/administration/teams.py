"""Making, renaming and closing teams, who is in them, and what they answer by themselves. Each function
audits what it changes; the caller commits."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from cadence_app.accounts import audit
from cadence_app.accounts.audit import Actor
from cadence_app.accounts.models import Team, TeamMember, User
from cadence_app.accounts.service import Refused
from cadence_app.alerts import mailing
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import assignments
from cadence_app.tenancy import tenant_in_use

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)


class Taken(Refused):
    """Another team has this name or code; `field` says which."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True)
class Listed:
    team: Team
    members: int
    open_inboxes: int


def listed() -> list[Listed]:
    """Every team of the tenant with its counts: the open ones first, by name."""
    members = select(func.count()).where(TeamMember.team_id == Team.id).scalar_subquery()
    inboxes = (
        select(func.count()).where(Inbox.team_id == Team.id, Inbox.closed_at.is_(None)).scalar_subquery()
    )
    query = select(Team, members, inboxes).order_by(Team.closed_at.is_not(None), func.lower(Team.name))
    return [Listed(*row) for row in db.session.execute(query)]


def open_teams() -> list[Team]:
    return list(db.session.scalars(select(Team).where(Team.closed_at.is_(None)).order_by(Team.name)))


def find_team(team_id: int) -> Team | None:
    return db.session.get(Team, team_id)


def make_team(actor: Actor, name: str, code: str) -> Team:
    """Errors: Taken."""
    _check_code(code)
    _check_free(name, code, None)
    team = Team(tenant_id=tenant_in_use(), name=name, code=code)
    db.session.add(team)
    _flush(name, code, None)
    audit.record(actor, "team.made", name, code=(None, code))
    return team


def rename(actor: Actor, team: Team, name: str, code: str) -> None:
    """Changes name and code for what is recorded from now on: rows of the history keep the code they were
    written with. Errors: Taken."""
    before, team_id = (team.name, team.code), team.id
    if code != team.code:
        _check_code(code)
    _check_free(name, code, team_id)
    team.name, team.code = name, code
    _flush(name, code, team_id)
    if before != (name, code):
        audit.record(actor, "team.changed", name, name=(before[0], name), code=(before[1], code))


def set_members(actor: Actor, team: Team, users: Collection[User]) -> None:
    """Errors: Refused for leaving out somebody whose personal inbox is open in this team."""
    query = select(User).join(TeamMember, TeamMember.user_id == User.id).where(TeamMember.team_id == team.id)
    before = db.session.scalars(query.order_by(User.name)).all()
    leaving = {user.id for user in before} - {user.id for user in users}
    for inbox in open_inboxes_of(leaving, {team.id}):
        raise Refused(
            f"{inbox.user.name if inbox.user else inbox.name} has the inbox {inbox.name} there. "
            "Give it to somebody else or close it first."
        )
    db.session.execute(
        delete(TeamMember).where(TeamMember.team_id == team.id, TeamMember.user_id.in_(leaving))
    )
    joining = [user for user in users if user.id not in {known.id for known in before}]
    db.session.add_all(
        TeamMember(tenant_id=team.tenant_id, team_id=team.id, user_id=user.id) for user in joining
    )
    db.session.flush()
    if leaving:
        assignments.release(leaving, [team.id])
        for user in before:
            if user.id in leaving:
                # It may be about what was said there.
                mailing.stop(user)
    if leaving or joining:
        names = sorted(user.name for user in before), sorted(user.name for user in users)
        audit.record(actor, "team.members_changed", team.name, members=names)


def set_texts(actor: Actor, team: Team, opt_out: str, opt_in: str, help_text: str) -> None:
    """What the team answers to keywords; an empty one is the default (auto_replies.py)."""
    changes = {
        "opt_out_text": (team.opt_out_text, opt_out),
        "opt_in_text": (team.opt_in_text, opt_in),
        "help_text": (team.help_text, help_text),
    }
    team.opt_out_text, team.opt_in_text, team.help_text = opt_out, opt_in, help_text
    if any(before != after for before, after in changes.values()):
        audit.record(actor, "team.texts_changed", team.name, **changes)


def close(actor: Actor, team: Team) -> None:
    """Errors: Refused while an inbox of it is open."""
    # Whoever opens an inbox in this team waits here, or had done so before.
    db.session.refresh(team, with_for_update=True)
    count = db.session.scalar(select(func.count()).where(Inbox.team_id == team.id, Inbox.closed_at.is_(None)))
    if count:
        raise Refused(f"{team.name} has {count} open inbox{'es' if count > 1 else ''}. Close them first.")
    if team.closed_at is None:
        team.closed_at = func.now()
        audit.record(actor, "team.closed", team.name)


def reopen(actor: Actor, team: Team) -> None:
    if team.closed_at is not None:
        team.closed_at = None
        audit.record(actor, "team.reopened", team.name)


def open_inboxes_of(user_ids: Collection[int], team_ids: Collection[int] | None = None) -> list[Inbox]:
    """The open personal inboxes of these users, in these teams or (None) in any."""
    query = select(Inbox).where(Inbox.user_id.in_(user_ids), Inbox.closed_at.is_(None))
    if team_ids is not None:
        query = query.where(Inbox.team_id.in_(team_ids))
    return list(db.session.scalars(query.order_by(Inbox.name, Inbox.id)))


def _check_code(code: str) -> None:
    if not _CODE.fullmatch(code):
        raise Taken("code", "Use letters, digits, dots, hyphens and underscores, up to 40 of them.")


def _check_free(name: str, code: str, but: int | None) -> None:
    for field, column, value in (("name", Team.name, name), ("code", Team.code, code)):
        other = select(Team.id).where(column == value, Team.id.is_distinct_from(but))
        if db.session.scalar(other):
            raise Taken(field, f"There is one with this {field} already.")


def _flush(name: str, code: str, but: int | None) -> None:
    try:
        db.session.flush()
    except IntegrityError:
        # Somebody else took it between the two statements.
        db.session.rollback()
        _check_free(name, code, but)
        raise
