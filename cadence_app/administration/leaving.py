"""Ending a user's account, and what becomes of what they own. The caller commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select

from cadence_app.accounts import admins, audit, invitations, sessions
from cadence_app.accounts.admins import hold_admins, refuse_last_admin
from cadence_app.accounts.models import User
from cadence_app.accounts.service import Refused
from cadence_app.administration import inboxes
from cadence_app.administration.teams import open_inboxes_of
from cadence_app.alerts import mailing
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import assignments, drafts
from cadence_app.reports.schedule_models import ExportSchedule, ExportScheduleRecipient
from cadence_app.reports.schedule_runs import said
from cadence_app.standing import service as standing
from cadence_app.standing.service import NO_CHOICES, Choices, Errand


@dataclass(frozen=True)
class Owned:
    """What a user owns or receives: open personal inboxes, what goes on in their name, and in words the
    schedules of others whose files they get."""

    inboxes: list[Inbox]
    errands: list[Errand]
    received: list[str]


def owned_by(user: User) -> Owned:
    return Owned(
        open_inboxes_of({user.id}),
        standing.errands_of(user),
        [said(schedule) for schedule in _received(user)],
    )


def deactivate(
    actor: User, user: User, heirs: Mapping[int, User | None], choices: Choices = NO_CHOICES
) -> None:
    """Ends a user's account: they are signed out everywhere and can't sign in again. `heirs` says for each
    open personal inbox who gets it, or None to close it; `choices` for each of their API tokens and schedules
    who takes it over, or None to end it. Their conversations in shared inboxes become unassigned, and their
    drafts end. They get no file any more, and a schedule that would go to nobody is paused.

    Errors: Refused for the last active admin, for oneself, for an inbox, a token or a schedule without a
    decision, and for an heir who may not have it.
    """
    hold_admins(actor, user)
    if user.id == actor.id:
        raise Refused("You can't deactivate yourself. Ask another admin.")
    if user.is_admin:
        refuse_last_admin(user)
    if user.invited:
        invitations.revoke(actor, user)
        return
    if not user.active:
        return
    user.active = False
    sessions.end_all(user)
    audit.record(actor, "user.deactivated", user.email)
    for inbox in open_inboxes_of({user.id}):
        if inbox.id not in heirs:
            raise Refused(f"Choose what becomes of the inbox {inbox.name}.")
        if heir := heirs[inbox.id]:
            inboxes.hand_over(actor, inbox, heir)
        else:
            inboxes.close(actor, inbox)
    assignments.release([user.id])
    drafts.let_go([user.id])
    db.session.flush()
    standing.settle(actor, standing.errands_of(user, hold=True), choices, user)
    _stop_receiving(actor, user)


def take_away(actor: audit.Actor, user: User) -> None:
    """Ends a user's account where nobody can be asked, such as by a command: they are signed out everywhere.
    Their personal inboxes stay open without them, and the sweep sees to what goes on in their name
    (standing/absent.py). Also the last admin's. Twice is no harm."""
    admins.hold()
    db.session.refresh(user, ["active", "role", "invited_at"])
    if user.invited:
        user.invited_at = None
    if not user.active:
        return
    user.active = False
    sessions.end_all(user)
    audit.record(actor, "user.deactivated", user.email)
    assignments.release([user.id])
    drafts.let_go([user.id])
    db.session.flush()
    _stop_receiving(actor, user)


def _stop_receiving(actor: audit.Actor, user: User) -> None:
    mailing.stop(user)
    received = _received(user)
    theirs = delete(ExportScheduleRecipient).where(ExportScheduleRecipient.user_id == user.id)
    ids = [schedule.id for schedule in received]
    db.session.execute(theirs.where(ExportScheduleRecipient.schedule_id.in_(ids)))
    db.session.expire_all()
    for schedule in received:
        if not schedule.recipients and not schedule.destinations and schedule.paused_at is None:
            schedule.paused_at = datetime.now(UTC)
            audit.record(actor, "schedule.paused", said(schedule), recipients=([user.name], []))


def _received(user: User) -> list[ExportSchedule]:
    """The schedules of others that a user gets files of, oldest first."""
    mine = select(ExportScheduleRecipient.schedule_id).where(ExportScheduleRecipient.user_id == user.id)
    query = select(ExportSchedule).where(
        *(
            ExportSchedule.id.in_(mine),
            ExportSchedule.owner_id != user.id,
            ExportSchedule.deleted_at.is_(None),
        )
    )
    return list(db.session.scalars(query.order_by(ExportSchedule.id)))
