"""The mail that says an endpoint was turned off."""

from __future__ import annotations

from flask import current_app, render_template
from flask_mail import Message
from sqlalchemy import func, select

from cadence_app.accounts.models import Role, User
from cadence_app.extensions import db, mail
from cadence_app.webhooks.models import WebhookEndpoint

_UNTOLD = (
    WebhookEndpoint.off_at.is_not(None),
    WebhookEndpoint.off_told_at.is_(None),
    WebhookEndpoint.deleted_at.is_(None),
)


def tell_turned_off(endpoint_id: int) -> None:
    """Mails the tenant's admins and commits. Should the worker die in between, the mail goes twice. Errors:
    OSError and SMTPException; the sweep has it tried again."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, *_UNTOLD)
    endpoint = db.session.scalars(query).one_or_none()
    if endpoint is None:
        return
    admins = db.session.scalars(select(User).where(User.role == Role.ADMIN, User.active)).all()
    for admin in admins:
        url = f"{current_app.config['PUBLIC_URL']}/settings/webhooks/{endpoint.id}"
        message = Message(subject=f"A webhook was turned off: {endpoint.name}")
        message.recipients = [(admin.name, admin.email)]
        message.body = render_template("webhooks/mail/off.txt", endpoint=endpoint, user=admin, url=url)
        mail.send(message)
    endpoint.off_told_at = func.now()
    db.session.commit()
