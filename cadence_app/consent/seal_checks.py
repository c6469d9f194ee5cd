"""Requests to check the seals: a big history takes longer than a page may."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.accounts.models import User
from cadence_app.consent import verifying
from cadence_app.consent.seal_models import UNFINISHED_CHECKS, CheckState, SealCheck
from cadence_app.extensions import db

# A check that no worker has touched for this long has lost its job.
LOST_AFTER = timedelta(minutes=2)


def request_check(user: User) -> SealCheck:
    """Records a request and commits it. One that is still unfinished is given back instead of a second."""
    db.session.execute(
        upsert(SealCheck)
        .values(tenant_id=user.tenant_id, requested_by_id=user.id, state=CheckState.QUEUED)
        .on_conflict_do_nothing()
    )
    unfinished = select(SealCheck).where(SealCheck.state.in_(UNFINISHED_CHECKS))
    check = db.session.scalars(unfinished).one()
    db.session.commit()
    return check


def latest_checks(limit: int = 5) -> list[SealCheck]:
    """The tenant's requests, newest first."""
    return list(db.session.scalars(select(SealCheck).order_by(SealCheck.id.desc()).limit(limit)))


def run(check_id: int) -> None:
    """Does a check and commits how it went. Running it twice does no harm: it only reads the history."""
    check = db.session.get(SealCheck, check_id)
    if check is None or not check.unfinished:
        return
    check.state, check.days_total = CheckState.RUNNING, verifying.days_sealed()

    def progress(days: int, rows: int, evidence: int) -> None:
        check.days, check.rows, check.evidence, check.touched_at = days, rows, evidence, func.now()
        db.session.commit()

    progress(0, 0, 0)
    outcome = verifying.verify(progress)
    check.state = CheckState.INTACT if outcome.intact else CheckState.DIFFERS
    check.last_day, check.last_digest = outcome.last_day, outcome.last_digest
    if outcome.problem:
        check.problem = outcome.problem.text
        check.problem_day = outcome.problem.day
        check.problem_change_id = outcome.problem.change_id
        check.problem_evidence_id = outcome.problem.evidence_id
    check.finished_at = func.now()
    progress(outcome.days, outcome.rows, outcome.evidence)


def fail(check_id: int) -> None:
    """Notes that a check could not be done, and commits."""
    db.session.rollback()
    check = db.session.get(SealCheck, check_id)
    if check and check.unfinished:
        check.state, check.finished_at = CheckState.FAILED, func.now()
        check.problem = "The check could not be finished. Try again; the log says what went wrong."
        db.session.commit()
