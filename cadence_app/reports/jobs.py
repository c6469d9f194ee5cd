"""The one mail worker's jobs: write a file, send it, and find again whatever was lost on the way."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app
from sqlalchemy import func, select

from cadence_app import files
from cadence_app.extensions import db
from cadence_app.mails import smtp
from cadence_app.reports import mailing
from cadence_app.reports.destinations import delivering
from cadence_app.reports.kinds import KINDS
from cadence_app.reports.models import DeliveryState, Export, ExportState
from cadence_app.reports.service import queue_up, running
from cadence_app.reports.writing import write_file
from cadence_app.tenancy import use_tenant
from cadence_app.work.leases import free, held
from cadence_app.work.retrying import Retrying
from cadence_app.work.sweeps import sweep

_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=10), timedelta(minutes=15)
_WRITING = Retrying(_FIRST_WAIT, _LONGEST_WAIT, attempts=5)
# With the longest wait between two, this is three days of a mail server that is away.
_MAILING = Retrying(_FIRST_WAIT, _LONGEST_WAIT, attempts=290)
# An export that no worker has taken up after this long has lost its job.
_LOST_AFTER = timedelta(seconds=15)


@running.does
def run_export(tenant_id: int, export_id: int) -> None:
    """Takes an export as far as it goes. Running it again, or twice at once, does no harm."""
    use_tenant(tenant_id)
    with held(f"export {export_id}") as mine:
        export = db.session.get(Export, export_id)
        if not mine or export is None or not export.unfinished or not _due(export):
            return
        if nobody := _nobody_may_have(export):
            export.state, export.problem = ExportState.FAILED, nobody
            db.session.commit()
            return
        if export.state != ExportState.MAILING:
            _write(export)
        if export.state == ExportState.MAILING:
            _send(export)


def _nobody_may_have(export: Export) -> str:
    """Why no file may be made or sent at all; empty where it may."""
    kind = KINDS[export.kind]
    if kind.own and not kind.may_go_to(export.requested_by):
        return "Who asked for it is no admin any more."
    if any(delivery.waiting or delivery.delivered_at for delivery in export.deliveries):
        return ""
    if any(recipient.sent_at or kind.may_go_to(recipient.user) for recipient in export.recipients):
        return ""
    if [recipient.user for recipient in export.recipients] == [export.requested_by]:
        return "Who asked for it is no admin any more."
    return "Nobody it goes to is an admin any more."


@sweep("due_exports", late=_LOST_AFTER)
def sweep_exports(tenant_id: int, export_id: int) -> None:
    """Queues an export that is due, unless a worker has it."""
    if free(f"export {export_id}"):
        queue_up(tenant_id, export_id)


@sweep("due_expired_exports", every=60, queue="reports", seconds=1800)
def remove_expired_exports(tenant_id: int, export_id: int) -> None:
    """Deletes a file whose time is over. It waits for the storage, so it is a job of its own."""
    expired = select(Export).where(
        Export.id == export_id, Export.file_key != "", Export.expires_at < func.now()
    )
    export = db.session.scalars(expired).one_or_none()
    if export is not None:
        files.remove(export.file_key)
        export.file_key = ""
        db.session.commit()


def _write(export: Export) -> None:
    if _WRITING.over(export.attempts):
        cut_off = "The file could not be written: each try was cut off."
        export.state, export.problem = ExportState.FAILED, export.problem or cut_off
        db.session.commit()
        return
    export.state = ExportState.RUNNING
    export.attempts += 1
    db.session.commit()

    def progress(rows: int, total: int) -> None:
        export.rows_written, export.rows_total = rows, total
        db.session.commit()

    try:
        if export.file_key:
            # It had somebody in it who was erased since.
            files.remove(export.file_key)
            export.file_key = ""
        written = write_file(export, KINDS[export.kind], progress)
    except Exception as error:
        current_app.logger.exception("export %s could not be written", export.id)
        db.session.rollback()
        _wait(export, ExportState.QUEUED, _WRITING, f"The file could not be written: {error}")
        return
    export.file_key, export.sha256, export.size = written.key, written.sha256, written.size
    export.rows_written = export.rows_total = written.rows
    export.left_out = written.left_out
    export.state, export.attempts, export.problem = ExportState.MAILING, 0, ""
    export.finished_at = func.now()
    export.expires_at = func.now() + timedelta(days=current_app.config["EXPORT_LINK_DAYS"])
    db.session.commit()


def _send(export: Export) -> None:
    """Sends the file every way that still waits for it: the mails, then the destinations. None of them keeps
    another waiting."""
    if _MAILING.over(export.attempts):
        _close(export, "each try was cut off")
        return
    export.attempts += 1
    db.session.commit()
    try:
        later = _mail(export)
        for delivery in [each for each in export.deliveries if each.waiting]:
            delivering.deliver(delivery)
    except FileNotFoundError:
        export.file_key = ""
        export.state = ExportState.FAILED
        export.problem = "The file is gone from the storage. Retry writes it again."
        db.session.commit()
        return
    waiting = [delivery for delivery in export.deliveries if delivery.waiting]
    if (later or waiting) and not _MAILING.over(export.attempts):
        said = [f"The mail could not be sent: {later}"] if later else []
        said += [f"{delivery.destination.name}: {delivery.problem}." for delivery in waiting]
        _wait(export, ExportState.MAILING, _MAILING, " ".join(said))
    else:
        _close(export, later)


def _mail(export: Export) -> str:
    """Mails the file to each recipient who still waits for it; the others are left out, and it says why.
    Returns what keeps a mail waiting; empty where none does. Errors: FileNotFoundError."""
    later = ""
    for recipient in [each for each in export.recipients if each.waiting]:
        if not KINDS[export.kind].may_go_to(recipient.user):
            recipient.problem = "no admin any more"
            continue
        try:
            export.delivery = mailing.send(export, recipient.user)
        except FileNotFoundError:
            raise
        except Exception as error:
            current_app.logger.warning("export %s could not be mailed: %s", export.id, error)
            if smtp.refused_for_good(error):
                recipient.problem = str(error)
            else:
                later = str(error)
        else:
            recipient.sent_at = func.now()
        db.session.commit()
    return later


def _close(export: Export, why: str) -> None:
    """Ends the delivery. The mail counts as delivered where anybody got it; whoever did not is named, with
    `why` unless their own problem is known. Sent is what every way has."""
    for delivery in export.deliveries:
        delivering.give_up(delivery, why)
    unsent = [recipient for recipient in export.recipients if recipient.sent_at is None]
    for recipient in unsent:
        recipient.problem = recipient.problem or why
    if len(export.recipients) == len(unsent) == 1:
        said = [f"The mail could not be sent: {unsent[0].problem}"]
    else:
        reasons = [f"{recipient.user.name} ({recipient.problem})" for recipient in unsent]
        said = [f"Not sent to {', '.join(reasons)}."] if unsent else []
    failed = [each for each in export.deliveries if each.state == DeliveryState.FAILED]
    said += [f"Not delivered to {each.destination.name}: {each.problem}." for each in failed]
    export.problem = " ".join(said)
    if export.delivered:
        export.state, export.sent_at = ExportState.SENT, func.now()
    else:
        export.state = ExportState.FAILED
    db.session.commit()


def _wait(export: Export, state: ExportState, again: Retrying, problem: str) -> None:
    export.state = ExportState.FAILED if again.over(export.attempts) else state
    export.problem = problem
    # The sweep takes an export up some time after it is due.
    export.next_attempt_at = func.now() + again.wait(export.attempts) - _LOST_AFTER
    db.session.commit()


def _due(export: Export) -> bool:
    return bool(db.session.scalar(select(export.next_attempt_at <= func.now())))
