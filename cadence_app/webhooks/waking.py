"""Wakes the webhooks as soon as a change of consent is committed, whoever made it.

The ledger knows nothing of webhooks. What is not noticed here (Redis away, a process killed) the sweep finds.
"""

from __future__ import annotations

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from cadence_app.consent.models import OptOutChange
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use
from cadence_app.webhooks import outbox
from cadence_app.webhooks.jobs import dispatch

_WRITTEN, _TO_WAKE = "history_written", "webhooks_to_wake"


def init_waking() -> None:
    event.listen(db.session, "do_orm_execute", _note_history)
    event.listen(db.session, "before_commit", _choose)
    event.listen(db.session, "after_commit", _wake)
    event.listen(db.session, "after_rollback", _forget)


def _note_history(state: ORMExecuteState) -> None:
    if state.is_insert and state.bind_mapper and state.bind_mapper.class_ is OptOutChange:
        state.session.info[_WRITTEN] = True


def _choose(session: Session) -> None:
    """Reads the endpoints while the transaction can still be asked. A savepoint's end is no commit."""
    if not session.in_nested_transaction() and session.info.pop(_WRITTEN, False):
        session.info[_TO_WAKE] = [endpoint.id for endpoint in outbox.usable_endpoints()]


def _wake(session: Session) -> None:
    if not session.in_nested_transaction():
        for endpoint_id in session.info.pop(_TO_WAKE, ()):
            dispatch(tenant_in_use(), endpoint_id)


def _forget(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_WRITTEN, None)
        session.info.pop(_TO_WAKE, None)
