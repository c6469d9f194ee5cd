"""Files of texts on the queue. The row in PostgreSQL is the record; a job only hastens it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import current_app
from redis.exceptions import RedisError
from rq.timeouts import JobTimeoutException
from sqlalchemy import func, select

from cadence_app import files
from cadence_app.accounts.models import Tenant
from cadence_app.extensions import db, rq
from cadence_app.messaging.media.fetching import fetch
from cadence_app.messaging.media.models import DiscardedFile, MessageMedia
from cadence_app.tenancy import use_tenant
from cadence_app.work.sweeps import quick_sweep

# A file that no worker has taken up after this long has lost its job.
_LOST_AFTER = timedelta(seconds=15)
# Whoever is writing a file has finished, or given up, within this time.
_AGAIN_AFTER = timedelta(minutes=10)
_AT_ONCE = 500
_REMOVE_SECONDS = 60


@rq.job(queue="media")
def fetch_media(tenant_id: int, media_id: int) -> None:
    use_tenant(tenant_id)
    fetch(media_id)


def fetch_soon(tenant_id: int, media_ids: Sequence[int]) -> None:
    """Queues the fetching of files. Without Redis they wait in the database until the sweep."""
    try:
        for media_id in media_ids:
            _queue_up(tenant_id, media_id)
    except RedisError:
        current_app.logger.warning("Redis is out of reach: files %s wait for the sweep", media_ids)


@quick_sweep
def sweep_media() -> None:
    """Queues the files that are due and that no worker has."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        due = select(MessageMedia.id).where(MessageMedia.next_attempt_at < func.now() - _LOST_AFTER)
        fetch_soon(tenant_id, db.session.scalars(due.order_by(MessageMedia.id).limit(_AT_ONCE)).all())
        db.session.rollback()


@rq.job(queue="media")
def remove_discarded_files() -> None:
    """Removes the files whose row was deleted. It waits for the storage, so it is no quick sweep."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        _remove_discarded()


def _remove_discarded() -> None:
    due = select(DiscardedFile).where(DiscardedFile.due_at <= func.now())
    held = due.order_by(DiscardedFile.id).limit(_AT_ONCE).with_for_update(skip_locked=True)
    for discarded in db.session.scalars(held).all():
        try:
            files.remove(discarded.file_key)
        except JobTimeoutException:
            raise
        except Exception:
            current_app.logger.exception("file %s could not be removed", discarded.file_key)
            continue
        if discarded.removed:
            db.session.delete(discarded)
        else:
            discarded.removed, discarded.due_at = True, func.now() + _AGAIN_AFTER
    db.session.commit()


def _queue_up(tenant_id: int, media_id: int) -> None:
    """Once: one that waits in the queue already stays where it is."""
    queue, job_id = rq.get_queue("media"), f"media-{tenant_id}-{media_id}"
    if job_id not in queue.get_job_ids():
        queue.enqueue(
            "cadence_app.messaging.media.jobs.fetch_media",
            args=(tenant_id, media_id),
            job_id=job_id,
            result_ttl=0,
        )


remove_discarded_files.cron_register(_REMOVE_SECONDS)
