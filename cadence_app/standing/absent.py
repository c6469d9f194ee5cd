"""What goes on when somebody stopped being an admin and nobody was asked: their directory took them away, or
a command did. A token that was in use writes opt outs for two weeks more, so that no stop of a nightly sync
is lost; a schedule goes on as long for those who are admins, or waits (schedule_runs.waits()); the admins are
told every day. What nobody takes over by then ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, select, update

from cadence_app.accounts import admins, audit
from cadence_app.accounts.models import Tenant
from cadence_app.api import tokens
from cadence_app.api.models import GRACE, ApiToken, EndReason
from cadence_app.extensions import db
from cadence_app.reports import schedule_runs
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.standing import mailing, service
from cadence_app.standing.service import Errand
from cadence_app.tenancy import tenant_in_use

REMIND_EVERY = timedelta(days=1)
# With no admin there to tell, somebody may become one soon.
_NOBODY_THERE = timedelta(hours=1)


def look_after() -> None:
    """Does what is due in the tenant in use, and commits. Twice, or twice at once, is no harm."""
    admins.hold()
    tenant = db.session.get_one(Tenant, tenant_in_use(), populate_existing=True)
    now = datetime.now(UTC)
    _forget_returned()
    left = service.left_behind(hold=True)
    ended = [errand for errand in left if _ended(errand, now)]
    waiting = [errand for errand in left if errand not in ended]
    for errand in waiting:
        if errand.row.gone_at is None:
            errand.row.gone_at = now
            _note_gone(errand)
    # Nobody of a suspended organisation is written to; what is due then is told once it works again.
    told_to = [] if tenant.suspended_at else admins.acting()
    if waiting and any(each.row.remind_at is None or each.row.remind_at <= now for each in waiting):
        again = now + (REMIND_EVERY if told_to else _NOBODY_THERE)
        for errand in waiting:
            # It is looked at again when it ends, too.
            errand.row.remind_at = min(again, errand.until or again)
        mailing.tell_left_behind(told_to, waiting, ended, now + REMIND_EVERY)
    elif ended:
        mailing.tell_left_behind(told_to, waiting, ended, now + REMIND_EVERY)
    _tell_of_expiry(tenant, now)
    db.session.commit()


def _forget_returned() -> None:
    """Whoever is an admin again goes on as before."""
    for model in (ApiToken, ExportSchedule):
        returned = model.gone_at.is_not(None) & model.owner.has(and_(*admins.ACTING))
        db.session.execute(
            update(model).where(returned).values(gone_at=None, remind_at=None),
            execution_options={"synchronize_session": False},
        )


def _ended(errand: Errand, now: datetime) -> bool:
    """Ends what has waited long enough, and at once a token that nobody uses."""
    if isinstance(errand.row, ApiToken) and not errand.row.in_use:
        service.end(audit.CADENCE, errand, EndReason.UNUSED)
        return True
    if errand.row.gone_at is not None and errand.row.gone_at + GRACE <= now:
        service.end(audit.CADENCE, errand, EndReason.NOT_TAKEN_OVER)
        return True
    return False


def _note_gone(errand: Errand) -> None:
    if isinstance(errand.row, ApiToken):
        until = errand.row.opt_outs_until
        audit.record(audit.CADENCE, "token.only_opt_outs", errand.row.name, until=(None, until))
    else:
        name = schedule_runs.said(errand.row)
        audit.record(audit.CADENCE, "schedule.left_behind", name, owner=(errand.owner.name, None))


def _tell_of_expiry(tenant: Tenant, now: datetime) -> None:
    """Each notice once; of several that are due, as when no worker ran, the latest only."""
    due = (
        select(ApiToken)
        .where(ApiToken.next_notice_at <= now, ApiToken.revoked_at.is_(None))
        .order_by(ApiToken.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for token in db.session.scalars(due).all():
        if token.expires_at <= now:
            token.next_notice_at = token.gone_at = token.remind_at = None
            audit.record(audit.CADENCE, "token.expired", token.name)
            continue
        token.next_notice_at = tokens.next_notice(token.expires_at, now)
        if not tenant.suspended_at:
            mailing.tell_of_expiry(admins.acting(), token, now)
