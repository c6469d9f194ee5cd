"""Deactivating a user, and what becomes of what they own. The caller commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select

from cadence_app.accounts import audit, invitations, sessions
from cadence_app.accounts.models import User
from cadence_app.accounts.service import Refused
from cadence_app.administration import inboxes
from cadence_app.administration.people import hold_admins, refuse_last_admin
from cadence_app.administration.teams import open_inboxes_of
from cadence_app.extensions import db
from cadence_app.messaging import assignments
from cadence_app.messaging.models import Inbox
from cadence_app.reports.kinds import KINDS
from cadence_app.reports.schedule_models import ExportSchedule, ExportScheduleRecipient


@dataclass(frozen=True)
class Owned:
    """What a user owns or receives: open personal inboxes, and schedules that are not deleted, in words."""

    inboxes: list[Inbox]
    schedules: list[str]
    received: list[str]


def owned_by(user: User) -> Owned:
    mine = select(ExportSchedule).where(
        ExportSchedule.owner_id == user.id, ExportSchedule.deleted_at.is_(None)
    )
    return Owned(
        open_inboxes_of({user.id}),
        [_said(schedule) for schedule in db.session.scalars(mine.order_by(ExportSchedule.id))],
        [_said(schedule) for schedule in _received(user)],
    )


def deactivate(actor: User, user: User, heirs: Mapping[int, User | None]) -> None:
    """Ends a user's account: they are signed out everywhere and can't sign in again. `heirs` says for each
    open personal inbox who gets it, or None to close it. Their conversations in shared inboxes become
    unassigned. Their schedules become the actor's; they get no file any more, and a schedule that would go
    to nobody is paused.

    Errors: Refused for the last active admin, for oneself, for an inbox without a decision, and for an heir
    who may not have it.
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
    _leave_schedules(actor, user)


def _leave_schedules(actor: User, user: User) -> None:
    received = _received(user)
    db.session.execute(delete(ExportScheduleRecipient).where(ExportScheduleRecipient.user_id == user.id))
    db.session.expire_all()
    for schedule in received:
        if not schedule.recipients and schedule.paused_at is None:
            schedule.paused_at = datetime.now(UTC)
            audit.record(actor, "schedule.paused", _said(schedule), recipients=([user.name], []))
    theirs = select(ExportSchedule).where(
        ExportSchedule.owner_id == user.id, ExportSchedule.deleted_at.is_(None)
    )
    for schedule in db.session.scalars(theirs.with_for_update()):
        schedule.owner_id = actor.id
        audit.record(actor, "schedule.handed_over", _said(schedule), owner=(user.name, actor.name))


def _received(user: User) -> list[ExportSchedule]:
    """The schedules that a user gets files of, oldest first."""
    mine = select(ExportScheduleRecipient.schedule_id).where(ExportScheduleRecipient.user_id == user.id)
    query = select(ExportSchedule).where(ExportSchedule.id.in_(mine), ExportSchedule.deleted_at.is_(None))
    return list(db.session.scalars(query.order_by(ExportSchedule.id)))


def _said(schedule: ExportSchedule) -> str:
    return f"{KINDS[schedule.kind].title}: {schedule.timing.said}"
