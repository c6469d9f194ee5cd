"""The ledger as a feed: every change once, in the order of its id, and none skipped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from cadence_app.consent.models import OptOutChange, Source
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db


@dataclass(frozen=True)
class Feed:
    """`cursor` is where the next call goes on; `more` tells that it will find something at once."""

    changes: list[OptOutChange]
    cursor: int
    more: bool


def changes_after(
    cursor: int,
    limit: int,
    since: datetime | None = None,
    team_ids: Sequence[int] = (),
    sources: Sequence[Source] = (),
) -> Feed:
    """The tenant's changes after a cursor (0: from the first one), oldest first.

    A transaction that is still open may hold an id lower than one that can be seen already. The feed ends
    before it and goes on once it has ended, so a change that is committed late is late, but never missed.
    Must not run in a transaction that holds its snapshot (REPEATABLE READ).
    """
    end = settled()
    query = select(OptOutChange).where(OptOutChange.id > cursor, OptOutChange.id <= end)
    if since:
        query = query.where(OptOutChange.changed_at >= since)
    if team_ids:
        query = query.where(OptOutChange.team_id.in_(team_ids))
    if sources:
        query = query.where(OptOutChange.source.in_(sources))
    changes = list(db.session.scalars(query.order_by(OptOutChange.id).limit(limit + 1)))
    if len(changes) > limit:
        return Feed(changes[:limit], changes[limit - 1].id, more=True)
    return Feed(changes, max(cursor, end), more=False)


def as_they_stand(changes: Sequence[OptOutChange]) -> tuple[list[OptOutChange], int]:
    """These changes, in their order, read again while their contacts are held until this transaction ends:
    who writes elsewhere what they say has nothing of somebody who is erased just then. Those that are purged
    by then are left out.

    Only the contact of the first is waited for. Of the others, who is held by somebody else ends them, lest a
    STOP of whoever is held here waits for that one too. Returns as well up to which of the changes given it
    goes, as their number; all of them, or one at least.
    """
    if not changes:
        return [], 0
    _hold([changes[0].contact_id], wait=True)
    ids = {change.contact_id for change in changes}
    busy = set(db.session.scalars(select(Contact.id).where(Contact.id.in_(ids)))) - _hold(ids, wait=False)
    taken = next((at for at, change in enumerate(changes) if change.contact_id in busy), len(changes))
    query = select(OptOutChange).where(OptOutChange.id.in_([change.id for change in changes[:taken]]))
    ordered = query.order_by(OptOutChange.id).execution_options(populate_existing=True)
    return list(db.session.scalars(ordered)), taken


def _hold(contact_ids: Collection[int], wait: bool) -> set[int]:
    """Holds contacts against who would change them; those of them that are held."""
    query = select(Contact.id).where(Contact.id.in_(contact_ids)).order_by(Contact.id)
    return set(db.session.scalars(query.with_for_update(read=True, skip_locked=not wait)))


def settled() -> int:
    """The id up to which the tenant's feed is complete: no change with a lower one is still to come."""
    return int(db.session.scalars(select(func.settled_change_id())).one())
