"""Imports on the queue: check, apply, and find again whatever was lost on the way."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app
from rq.timeouts import JobTimeoutException
from sqlalchemy import delete, exists, func, select

from cadence_app import files
from cadence_app.accounts.models import Tenant
from cadence_app.contacts import mending
from cadence_app.contacts.imports import running, staging
from cadence_app.contacts.imports.models import WORKING, Import, ImportContact, ImportState
from cadence_app.contacts.imports.refusal import Unreadable
from cadence_app.contacts.imports.service import enqueue
from cadence_app.extensions import db, rq
from cadence_app.tenancy import use_tenant
from cadence_app.work.leases import free, held
from cadence_app.work.sweeps import quick_sweep

_ATTEMPTS = 5
# An import that no worker has touched for this long has lost its job.
_LOST_AFTER = timedelta(seconds=15)
_NAMED_FOR = timedelta(days=365)
_REMOVE_SECONDS = 60
# What an admin reads of a try that failed.
_WORKING = "It was cut off"
_READING = (
    "The numbers of your contacts must be read again after the update before anything is imported, and that"
    " failed. Ask whoever runs Cadence to look at the log, then try again. It says"
)


@rq.job(queue="imports")
def run_import(tenant_id: int, import_id: int) -> None:
    """Takes an import as far as it goes. Running it again, or twice at once, does no harm.

    One import of a tenant is checked or applied at a time, so that no two wait for each other's contacts.
    """
    use_tenant(tenant_id)
    found = db.session.get(Import, import_id)
    if found is None:
        return
    turn = _turn(found)
    with held(turn) as mine:
        imported = db.session.get(Import, import_id, populate_existing=True)
        if not mine or imported is None or not imported.working or _turn(imported) != turn:
            return
        if imported.attempts >= _ATTEMPTS:
            running.fail(imported, imported.problem or "Each try was cut off.")
            return
        imported.attempts += 1
        imported.touched_at = func.now()
        db.session.commit()
        doing = _READING
        try:
            if not mending.read_if_due():
                # Another process reads them just now: no try of this one, which the sweep finds again.
                imported.attempts -= 1
                db.session.commit()
                return
            doing = _WORKING
            running.work(imported)
        except Unreadable as refusal:
            db.session.rollback()
            running.refuse(imported, str(refusal))
        except Exception as error:
            current_app.logger.exception("import %s was cut off", import_id)
            db.session.rollback()
            imported.problem = f"{doing}: {' '.join(str(error).split())[:300]}"
            imported.touched_at = func.now()
            db.session.commit()


@quick_sweep
def sweep_imports() -> None:
    """Queues every import that neither a worker nor the queue has, and deletes the files and lists whose
    time is over."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        lost = select(Import).where(Import.state.in_(WORKING), Import.touched_at < func.now() - _LOST_AFTER)
        for imported in db.session.scalars(lost.order_by(Import.id)).all():
            if free(_turn(imported)):
                enqueue(imported)


@rq.job(queue="imports")
def remove_expired_imports() -> None:
    """Deletes the files and lists whose time is over. It waits for the storage, so it is no quick sweep."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        _remove_expired()
        _forget_named()


def _remove_expired() -> None:
    """One file that can't be deleted now waits for the next sweep, and keeps nothing else waiting."""
    expired = select(Import).where(
        (Import.file_key != "") | (Import.result_key != ""),
        Import.expires_at < func.now(),
        Import.state.not_in(WORKING),
    )
    for imported in db.session.scalars(expired).all():
        try:
            for key in filter(None, (imported.file_key, imported.result_key)):
                files.remove(key)
        except JobTimeoutException:
            raise
        except Exception:
            current_app.logger.exception("the files of import %s could not be deleted", imported.id)
            continue
        staging.clear(imported.id)
        imported.file_key = imported.result_key = ""
        imported.preview = {}
        if not imported.ended:
            imported.state, imported.finished_at = ImportState.CANCELLED, func.now()
            imported.problem = "It was not started in time, so the file is deleted."
        db.session.commit()


def _forget_named() -> None:
    """Whom an import named stays known for a year."""
    over = Import.finished_at < func.now() - _NAMED_FOR
    named = exists().where(ImportContact.import_id == Import.id)
    for import_id in db.session.scalars(select(Import.id).where(over, named)).all():
        db.session.execute(delete(ImportContact).where(ImportContact.import_id == import_id))
        db.session.commit()


def _turn(imported: Import) -> str:
    """A file is opened whatever else is imported, for somebody waits to choose its columns."""
    if imported.state == ImportState.OPENING:
        return f"opening of import {imported.id}"
    return f"imports of tenant {imported.tenant_id}"


remove_expired_imports.cron_register(_REMOVE_SECONDS)
