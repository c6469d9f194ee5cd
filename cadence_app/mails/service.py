"""Putting a mail in the outbox, in the transaction of what it tells of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.orm import Session

from cadence_app.extensions import db, rq
from cadence_app.mails.models import OutgoingMail
from cadence_app.tenancy import tenant_in_use
from cadence_app.vault import encrypt

_TO_QUEUE = "mails to queue"
_LONGEST_SECONDS = 240


def enqueue(
    kind: str,
    recipient: str,
    subject: str,
    text: str,
    html: str,
    *,
    name: str = "",
    headers: Mapping[str, str] | None = None,
    useless_after: datetime | None = None,
) -> OutgoingMail:
    """Adds a mail to the open transaction: it goes out if that commits, and only then.

    `recipient` is an address and `name` whose it is; `headers` are added to the usual ones. Nothing is sent
    after `useless_after`. The caller commits, which queues the job; were that lost, the sweep finds the row.
    """
    mail = OutgoingMail(
        tenant_id=tenant_in_use(),
        kind=kind,
        recipient=recipient,
        recipient_name=name,
        subject=" ".join(subject.split()),
        text=encrypt(text),
        html=encrypt(html),
        headers=dict(headers or {}),
        useless_after=useless_after,
    )
    db.session.add(mail)
    db.session.flush()
    db.session.info.setdefault(_TO_QUEUE, []).append((mail.tenant_id, mail.id))
    return mail


def queue_up(tenant_id: int, mail_id: int) -> None:
    """Puts a mail on the worker's queue, unless it waits there already. Without Redis the sweep does."""
    queue = rq.get_queue("mails")
    job_id = f"mail-{mail_id}"
    try:
        if job_id not in queue.get_job_ids():
            queue.enqueue(
                "cadence_app.mails.jobs.send_mail",
                args=(tenant_id, mail_id),
                job_id=job_id,
                job_timeout=_LONGEST_SECONDS,
                result_ttl=0,
            )
    except RedisError:
        current_app.logger.warning("Redis is out of reach: mail %s waits for the sweep", mail_id)


def init_outbox() -> None:
    """Makes each commit of the session queue the mails it brought."""
    event.listen(db.session, "after_commit", _committed)
    event.listen(db.session, "after_rollback", _rolled_back)


def _committed(session: Session) -> None:
    for mail in session.info.pop(_TO_QUEUE, []):
        queue_up(*mail)


def _rolled_back(session: Session) -> None:
    session.info.pop(_TO_QUEUE, None)
