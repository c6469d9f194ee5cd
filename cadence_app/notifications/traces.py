"""What mails about a team's changes keep of a person: the subjects and, until they are sent, the words."""

from __future__ import annotations

from sqlalchemy import select

from cadence_app.contacts.mentions import mentions, without
from cadence_app.extensions import db
from cadence_app.mails.models import OutgoingMail
from cadence_app.traces import Fate, HandedOut, Kept, Leaving, Person, Traces, instant, register
from cadence_app.vault import Unreadable, decrypt, encrypt

_TABLES = (
    Kept(
        *(OutgoingMail, Fate.EMPTIED, Fate.EMPTIED, Fate.STAYS, "mails"),
        because="That a mail went to a colleague, without who it was about; in a merge, it says who it was."
        " A mail of what is for a colleague is not sent where it names them. Others are about colleagues.",
    ),
)
_TOLD = {"mails": "mails to colleagues that named them"}
# The one kind that names who is texted.
_KIND = "notification"


def _clear(leaving: Leaving) -> None:
    """A mail that waits goes without them, for it may tell of others."""
    query = select(OutgoingMail).where(OutgoingMail.kind == _KIND).order_by(OutgoingMail.id)
    waiting = query.where(OutgoingMail.next_attempt_at.is_not(None)).with_for_update()
    for mail in db.session.scalars(waiting.execution_options(populate_existing=True)).all():
        try:
            words, page = decrypt(mail.text), decrypt(mail.html)
        except Unreadable:
            # Nobody reads it any more, the worker neither.
            continue
        if mentions(leaving, words) or mentions(leaving, page):
            mail.text, mail.html = encrypt(without(leaving, words)), encrypt(without(leaving, page))
    for mail in _told_of(leaving):
        mail.subject = without(leaving, mail.subject)
    db.session.flush()


def _told_of(person: Person) -> list[OutgoingMail]:
    """The mails whose subject names them."""
    subjects = select(OutgoingMail.id, OutgoingMail.subject).where(OutgoingMail.kind == _KIND)
    found = [row.id for row in db.session.execute(subjects) if mentions(person, row.subject)]
    query = select(OutgoingMail).where(OutgoingMail.id.in_(found)).order_by(OutgoingMail.id)
    return list(db.session.scalars(query))


def _hand_out(person: Person) -> HandedOut:
    rows = [{"at": instant(mail.created_at), "subject": mail.subject} for mail in _told_of(person)]
    return HandedOut({"mails": rows})


register(Traces("notifications", _TABLES, _TOLD, clear=_clear, hand_out=_hand_out))
