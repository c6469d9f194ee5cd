"""The log of operators' accounts: who signed in, whose second factor changed, what was done on the server."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from cadence_app.accounts.audit import OPERATOR
from cadence_app.extensions import db
from cadence_app.operators.models import Operator, OperatorEntry

STRANGER = "Somebody not signed in"
_SHOWN = 100
# However long a stranger goes on, that they came too early is said once in this time, lest it pushes all
# else off the page.
_SAID_EVERY = timedelta(minutes=10)


def record(actor: Operator | str | None, action: str, subject: str) -> None:
    """Adds an entry to the open transaction; None is whoever runs a command on the server."""
    name = actor.name if isinstance(actor, Operator) else actor or OPERATOR
    db.session.add(OperatorEntry(actor=name, action=f"operator.{action}", subject=subject))


def record_now_and_then(action: str, subject: str) -> None:
    """The same of a stranger, unless it was said of this subject lately."""
    lately = select(OperatorEntry.id).where(
        OperatorEntry.action == f"operator.{action}",
        OperatorEntry.subject == subject,
        OperatorEntry.at > func.now() - _SAID_EVERY,
    )
    if db.session.scalar(lately.limit(1)) is None:
        record(STRANGER, action, subject)


def latest() -> list[OperatorEntry]:
    """The last hundred, newest first."""
    return list(db.session.scalars(select(OperatorEntry).order_by(OperatorEntry.id.desc()).limit(_SHOWN)))


def words(entry: OperatorEntry) -> str:
    """ "Second factor on" of operator.second_factor_on."""
    return entry.action.removeprefix("operator.").replace("_", " ").capitalize()
