"""Counting what a run lists, and removing it: a batch a transaction, to be taken up again after any kill."""

from __future__ import annotations

import hashlib
from datetime import UTC

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from cadence_app.accounts import audit
from cadence_app.consent import seals
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.contacts import forgetting
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.retention.listing import REMOVED_HEADER, lines, removed_page
from cadence_app.retention.models import Fate, RetentionItem, RetentionRun, RunState
from cadence_app.retention.service import totals
from cadence_app.retention.stops import keep_stops

# Contacts looked at, or removed, in one transaction; removed ones are held meanwhile.
_LOOKED_AT = 2000
_REMOVED = 100

_LIST = text(
    "INSERT INTO retention_items"
    " (run_id, contact_id, tenant_id, last_at, conversations, texts, changes, fate)"
    " SELECT :run, r.contact_id, :tenant, r.last_at,"
    " (SELECT count(*) FROM conversations WHERE contact_id = r.contact_id),"
    " (SELECT count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id"
    " WHERE c.contact_id = r.contact_id),"
    " (SELECT count(*) FROM opt_out_changes WHERE contact_id = r.contact_id), 'listed'"
    " FROM removable_contacts(:tenant, :ids, :before) AS r"
)
_REMOVABLE = text("SELECT contact_id FROM removable_contacts(:tenant, :ids, :before) ORDER BY 1")
_REMOVE = text("SELECT remove_contacts(:ids, :before, :user, :name, :why)")


class NotSealed(Exception):
    """The history is not sealed up to what a run would remove; within minutes it is, unless the sealer is
    down."""


def count(run_id: int) -> None:
    """Lists the contacts that would go, and commits; goes on where an earlier call was cut off."""
    while run := _held(run_id, RunState.COUNTING):
        query = select(Contact.id).where(Contact.id > run.counted_up_to).order_by(Contact.id)
        ids = list(db.session.scalars(query.limit(_LOOKED_AT)))
        if ids:
            values = {"run": run.id, "tenant": run.tenant_id, "ids": ids, "before": run.before}
            db.session.execute(_LIST, values)
            run.counted_up_to = ids[-1]
        elif run.automatic and not totals(run).contacts:
            run.state, run.finished_at = RunState.DONE, func.now()
        else:
            run.state = RunState.READY
        run.touched_at = func.now()
        db.session.commit()
    db.session.rollback()


def remove(run_id: int) -> None:
    """Removes what an approved run lists, and commits; goes on where an earlier call was cut off. A contact
    who has texted, was changed or put on hold since is kept. Errors: NotSealed."""
    while run := _held(run_id, RunState.REMOVING):
        _require_seals(run)
        left = _left(run)
        if not left:
            _finish(run)
            return
        try:
            _remove_batch(run, left)
            db.session.commit()
        except IntegrityError:
            # Somebody wrote about one of them in between: each by itself, so that only that one is kept.
            db.session.rollback()
            for contact_id in left:
                _remove_alone(run_id, contact_id)
    db.session.rollback()


def _held(run_id: int, state: RunState) -> RetentionRun | None:
    """The run, held until the next commit, if it is in this state."""
    query = select(RetentionRun).where(RetentionRun.id == run_id, RetentionRun.state == state)
    fresh = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(fresh).one_or_none()


def _require_seals(run: RetentionRun) -> None:
    due = seals.days_to_seal()
    if due and due[0] <= run.before.astimezone(UTC).date():
        db.session.rollback()
        raise NotSealed


def _left(run: RetentionRun) -> list[int]:
    query = (
        select(RetentionItem.contact_id)
        .where(RetentionItem.run_id == run.id, RetentionItem.fate == Fate.LISTED)
        .order_by(RetentionItem.contact_id)
    )
    return list(db.session.scalars(query.limit(_REMOVED)))


def _remove_batch(run: RetentionRun, contact_ids: list[int]) -> None:
    lock_contacts(contact_ids)
    values = {"tenant": run.tenant_id, "ids": contact_ids, "before": run.before}
    removable = list(db.session.scalars(_REMOVABLE, values))
    keep_stops(removable)
    forgetting.clear_before_removal(removable)
    by = run.approved_by
    removal = {
        "ids": removable,
        "before": run.before,
        "user": by.id if by else None,
        "name": by.name if by else audit.CADENCE,
        "why": f"Retention: nothing in {run.years} years (run {run.id}).",
    }
    removed = set(db.session.scalars(_REMOVE, removal))
    for fate, ids in ((Fate.REMOVED, removed), (Fate.KEPT, set(contact_ids) - removed)):
        query = update(RetentionItem).where(RetentionItem.run_id == run.id, RetentionItem.contact_id.in_(ids))
        db.session.execute(query.values(fate=fate))
    run.touched_at, run.problem = func.now(), ""


def _remove_alone(run_id: int, contact_id: int) -> None:
    run = _held(run_id, RunState.REMOVING)
    if run is None:
        return
    try:
        _remove_batch(run, [contact_id])
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        query = update(RetentionItem).where(
            RetentionItem.run_id == run_id, RetentionItem.contact_id == contact_id
        )
        db.session.execute(query.values(fate=Fate.KEPT))
        db.session.commit()


def _finish(run: RetentionRun) -> None:
    digest = hashlib.sha256(REMOVED_HEADER.encode())
    for line in lines(removed_page, run.id):
        digest.update(line.encode())
    run.digest = digest.hexdigest()
    run.state, run.finished_at, run.problem = RunState.DONE, func.now(), ""
    gone, kept = totals(run, Fate.REMOVED), totals(run, Fate.KEPT)
    told = {
        "contacts": (None, gone.contacts),
        "conversations": (None, gone.conversations),
        "texts": (None, gone.texts),
        "history_rows": (None, gone.changes),
        "kept_after_all": (None, kept.contacts),
        "sha256_of_list": (None, run.digest),
    }
    subject = f"Contacts with nothing in {run.years} years (run {run.id})"
    if run.approved_by:
        audit.record(run.approved_by, "retention.removed", subject, **told)
    else:
        audit.record(audit.CADENCE, "retention.removed", subject, **told)
    db.session.commit()
