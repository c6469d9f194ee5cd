"""What telling colleagues keeps of a person: the words of a mail that has not gone yet, where the
organisation lets mails name people. Subjects and notices to browsers name nobody; the list itself is
messaging's."""

from __future__ import annotations

from sqlalchemy import select

from cadence_app.alerts.mailing import KINDS
from cadence_app.contacts.mentions import mentions
from cadence_app.extensions import db
from cadence_app.mails.models import OutgoingMail
from cadence_app.traces import Leaving, Traces, register
from cadence_app.vault import Unreadable, decrypt


def _clear(leaving: Leaving) -> None:
    """A mail that waits and names them is not sent: a note's words may be about them in other ways too. What
    else it told of is in the list."""
    query = select(OutgoingMail).where(
        OutgoingMail.kind.in_(KINDS), OutgoingMail.next_attempt_at.is_not(None)
    )
    held = query.order_by(OutgoingMail.id).with_for_update().execution_options(populate_existing=True)
    for mail in db.session.scalars(held).all():
        try:
            words = decrypt(mail.text)
        except Unreadable:
            # Nobody reads it any more, the worker neither.
            continue
        if mentions(leaving, words):
            mail.next_attempt_at, mail.problem = None, "It named somebody who was erased."
            mail.text = mail.html = ""
    db.session.flush()


register(Traces("alerts", (), clear=_clear))
