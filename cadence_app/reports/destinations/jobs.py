"""Tells the admins, by mail, what could not be delivered in the end."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app, render_template
from flask_mail import Message
from sqlalchemy import func, select

from cadence_app.accounts.models import Role, User
from cadence_app.extensions import db
from cadence_app.mails import smtp
from cadence_app.reports.kinds import KINDS
from cadence_app.reports.models import ExportDelivery
from cadence_app.work.sweeps import sweep

_LATER = timedelta(minutes=15)


@sweep("due_untold_deliveries", every=30, queue="sweeps")
def sweep_failed_deliveries(tenant_id: int, export_id: int) -> None:
    """Tells of a file's failed destinations, one mail for each; a mail server that is away is tried again
    later."""
    due = select(ExportDelivery).where(
        ExportDelivery.export_id == export_id, ExportDelivery.tell_at <= func.now()
    )
    # A row that another sweep holds is being told of.
    for delivery in db.session.scalars(due.with_for_update(skip_locked=True)).all():
        try:
            _tell(delivery)
        except Exception as error:
            current_app.logger.warning("a failed delivery could not be told of: %s", error)
            delivery.tell_at = func.now() + _LATER
        else:
            delivery.tell_at = None
    db.session.commit()


def _tell(delivery: ExportDelivery) -> None:
    """Errors: OSError and SMTPException."""
    export, users = delivery.export, _whom(delivery)
    if not users:
        return
    context = {
        "delivery": delivery,
        "export": export,
        "kind": KINDS[export.kind],
        "tenant": export.requested_by.tenant,
        "public_url": current_app.config["PUBLIC_URL"],
    }
    subject = f"Not delivered to {delivery.destination.name}: {KINDS[export.kind].title}"
    message = Message(subject=subject, recipients=[(user.name, user.email) for user in users])
    message.body = render_template("reports/mail/not_delivered.txt", **context)
    smtp.deliver(message)


def _whom(delivery: ExportDelivery) -> list[User]:
    """Those the schedule mails to and who saved it, or who asked; where none of them is an admin any more,
    every admin."""
    export = delivery.export
    people = {recipient.user for recipient in export.recipients} | {export.requested_by}
    admins = select(User).where(User.role == Role.ADMIN, User.active)
    found = [user for user in people if user.may_export] or list(db.session.scalars(admins))
    return sorted(found, key=lambda user: user.id)
