"""Exports: the one place where the API meets the export service."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from datetime import date

from flask import Response, url_for
from sqlalchemy import select

from cadence_app import files
from cadence_app.accounts import downloads
from cadence_app.api.blueprint import api
from cadence_app.api.export_schemas import ExportInput, ExportOut, ExportPage
from cadence_app.api.idempotency import Answer, idempotent
from cadence_app.api.models import Scope
from cadence_app.api.operations import operation, token_in_use
from cadence_app.api.schemas import IdempotencyHeaders, Page
from cadence_app.extensions import db
from cadence_app.reports import service
from cadence_app.reports.kinds import KINDS, Kind
from cadence_app.reports.models import Export
from cadence_app.reports.ranges import EARLIEST, LATEST, today
from cadence_app.ui.problems import FieldError, Problem

_EXPORT = "<int(min=1, max=9223372036854775807):export_id>"


@api.get("/exports")
@operation(ExportPage, Scope.EXPORTS_READ, query=Page)
def list_exports(query: Page) -> ExportPage:
    """The exports

    Newest first, those requested on a screen among them.
    """
    wanted = select(Export).order_by(Export.id.desc()).limit(query.limit + 1)
    if query.cursor:
        wanted = wanted.where(Export.id < int(query.cursor))
    found = db.session.scalars(wanted).all()
    items = [_export_out(export) for export in found[: query.limit]]
    return ExportPage(items=items, next_cursor=str(items[-1].id) if len(found) > query.limit else None)


@api.post("/exports")
@operation(ExportOut, Scope.EXPORTS_WRITE, 202, json=ExportInput, headers=IdempotencyHeaders)
@idempotent
def request_export(json: ExportInput, headers: IdempotencyHeaders) -> Answer:
    """Request an export

    The file is written soon after; `GET /exports/{export_id}` tells when it is there. It is mailed, too, to
    the admin whose token this is.
    """
    token = token_in_use()
    user = token.owner
    _check_range(json.start_date, json.end_date, today(user.tenant.zone))
    kind = KINDS[json.kind]
    _check_columns(kind, json.extra_columns)
    export, _ = service.request_export(
        user, kind, json.start_date, json.end_date, extra=set(json.extra_columns), by=token.actor
    )
    service.enqueue(export)
    location = url_for("api.get_export", export_id=export.id)
    return _export_out(export), 202, {"Location": location}


@api.get(f"/exports/{_EXPORT}")
@operation(ExportOut, Scope.EXPORTS_READ)
def get_export(export_id: int) -> ExportOut:
    """One export"""
    return _export_out(_find(export_id))


@api.get(f"/exports/{_EXPORT}/file")
@operation(None, Scope.EXPORTS_READ)
def get_export_file(export_id: int) -> Response:
    """The file of an export

    409 until it is written, 404 once its link has expired.
    """
    export = _find(export_id)
    if export.unfinished and not service.downloadable(export):
        raise Problem(409, "file_not_ready", f"The file is not written yet: the export is {export.state}.")
    gone = Problem(404, "file_not_available", f"There is no file to have: the export is {export.state}.")
    if not service.downloadable(export):
        raise gone
    try:
        chunks = files.chunks(export.file_key)
    except FileNotFoundError as error:
        raise gone from error
    media_type = mimetypes.guess_type(export.file_name)[0] or "application/octet-stream"
    downloads.note(token_in_use().actor, "export.downloaded", service.said(export))
    response = Response(chunks, mimetype=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=export.file_name)
    response.headers["Content-Length"] = str(export.size)
    return response


def _find(export_id: int) -> Export:
    export = service.find_export(export_id)
    if export is None:
        raise Problem(404, "export_not_found", f"There is no export {export_id}.")
    return export


def _check_range(start: date, end: date, last: date) -> None:
    """Errors: Problem."""
    errors: list[FieldError] = []
    if not EARLIEST <= start <= last:
        text = f"The first day must be from {EARLIEST} to today, {last}."
        errors.append({"code": "day_out_of_range", "detail": text, "pointer": "/start_date"})
    if end < start:
        text = "The last day is before the first day."
        errors.append({"code": "ends_before_start", "detail": text, "pointer": "/end_date"})
    if end > LATEST:
        text = f"The last day must not be after {LATEST}."
        errors.append({"code": "day_out_of_range", "detail": text, "pointer": "/end_date"})
    if errors:
        raise Problem(422, "invalid", "The range can't be exported; see errors.", errors)


def _check_columns(kind: Kind, names: Sequence[str]) -> None:
    """Errors: Problem."""
    known = {column.name for column in kind.extra}
    errors: list[FieldError] = [
        {
            "code": "column_not_of_kind",
            "detail": f"Exports of the kind {kind.key} have no column {name}.",
            "pointer": f"/extra_columns/{index}",
        }
        for index, name in enumerate(names)
        if name not in known
    ]
    if errors:
        raise Problem(422, "invalid", "The columns can't be exported; see errors.", errors)


def _export_out(export: Export) -> ExportOut:
    return ExportOut.model_validate(
        {
            "id": export.id,
            "kind": export.kind,
            "start_date": export.start_date,
            "end_date": export.end_date,
            "extra_columns": export.extra_columns,
            "time_zone": export.time_zone,
            "state": export.state,
            "requested_at": export.requested_at,
            "rows": export.rows_total,
            "size": export.size,
            "sha256": export.sha256,
            "file_available": service.downloadable(export),
            "problem": export.problem,
            "deliveries": [
                {
                    "destination": delivery.destination.name,
                    "file_name": delivery.file_name,
                    "state": delivery.state,
                    "attempts": delivery.attempts,
                    "delivered_at": delivery.delivered_at,
                    "problem": delivery.problem,
                }
                for delivery in export.deliveries
            ],
        }
    )
