"""The mail to the admins two weeks before contacts are removed by themselves."""

from __future__ import annotations

from flask import current_app, render_template
from flask_mail import Message
from sqlalchemy import func, select

from cadence_app.extensions import db, mail
from cadence_app.retention.models import RetentionRun, RunState
from cadence_app.retention.service import NOTICE, admins, totals


def announce(run_id: int) -> None:
    """Mails what a monthly run has counted and sets its day, and commits; nothing for other runs. The two
    weeks begin once every mail is handed over. Errors: OSError and SMTPException."""
    query = select(RetentionRun).where(
        RetentionRun.id == run_id, RetentionRun.state == RunState.READY, RetentionRun.automatic
    )
    run = db.session.scalars(query.with_for_update()).one_or_none()
    if run is None:
        db.session.rollback()
        return
    now = db.session.scalars(select(func.now())).one()
    run.state, run.mailed_at, run.remove_at = RunState.WAITING, now, now + NOTICE
    run.touched_at = now
    for user in admins():
        message = Message(
            subject=f"{totals(run).contacts:,} old contacts will be removed ({user.tenant.name})",
            recipients=[(user.name, user.email)],
        )
        # Always the same: should the mail go twice, mail programs know it for one.
        domain = message.sender.rpartition("@")[2].rstrip(">")
        message.msgId = f"<retention-{run.tenant_id}-{run.id}-{user.id}@{domain}>"
        url = f"{current_app.config['PUBLIC_URL']}/settings/retention/runs/{run.id}"
        message.body = render_template("retention/mail.txt", run=run, user=user, totals=totals(run), url=url)
        mail.send(message)
    db.session.commit()
