"""Files of texts on the queue. The row in PostgreSQL is the record; a job only hastens it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select

from cadence_app import files
from cadence_app.extensions import db
from cadence_app.messaging.media.fetching import fetch
from cadence_app.messaging.media.models import DiscardedFile
from cadence_app.tenancy import use_tenant
from cadence_app.work.queueing import job
from cadence_app.work.sweeps import sweep

# A file that no worker has taken up after this long has lost its job.
_LOST_AFTER = timedelta(seconds=15)
# Whoever is writing a file has finished, or given up, within this time.
_AGAIN_AFTER = timedelta(minutes=10)


@job("media")
def fetch_media(tenant_id: int, media_id: int) -> None:
    use_tenant(tenant_id)
    fetch(media_id)


def fetch_soon(tenant_id: int, media_ids: Sequence[int]) -> None:
    """Queues the fetching of files. Without Redis they wait in the database until the sweep."""
    # Where Redis is out of reach for one, nobody waits for it with the others.
    all(fetch_media.put(f"media-{tenant_id}-{media_id}", tenant_id, media_id) for media_id in media_ids)


@sweep("due_media", late=_LOST_AFTER)
def sweep_media(tenant_id: int, media_id: int) -> None:
    """Queues a file that is due and that no worker has."""
    fetch_soon(tenant_id, [media_id])


@sweep("due_discarded_files", every=60, queue="media", seconds=1800)
def remove_discarded_files(tenant_id: int, discarded_id: int) -> None:
    """Removes a file whose row was deleted. It waits for the storage, so it is a job of its own."""
    due = select(DiscardedFile).where(DiscardedFile.id == discarded_id, DiscardedFile.due_at <= func.now())
    discarded = db.session.scalars(due.with_for_update(skip_locked=True)).one_or_none()
    if discarded is None:
        return
    files.remove(discarded.file_key)
    if discarded.removed:
        db.session.delete(discarded)
    else:
        discarded.removed, discarded.due_at = True, func.now() + _AGAIN_AFTER
    db.session.commit()
