"""What stands in the way of an act that ends a contact's record: a legal hold, or a deadlock."""

from __future__ import annotations

from collections.abc import Callable, Collection

from psycopg.errors import DeadlockDetected
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from cadence_app.extensions import db
from cadence_app.retention.models import LegalHold

_TRIES = 3


class OnHold(ValueError):
    """The contact is on legal hold."""


def on_hold(contact_ids: Collection[int]) -> bool:
    """Whether any of these is on legal hold; for good where the caller holds them."""
    query = select(LegalHold.contact_id).where(LegalHold.contact_id.in_(contact_ids))
    return db.session.scalar(query.limit(1)) is not None


def until_done(act: Callable[[], None]) -> None:
    """Does an act again that fell into a deadlock: who delivers a text holds it before the contact, and we
    hold the contact before their texts. Errors: those of the act."""
    for tries in range(_TRIES):
        try:
            act()
        except OperationalError as error:
            db.session.rollback()
            if not isinstance(error.orig, DeadlockDetected) or tries == _TRIES - 1:
                raise
        else:
            return
