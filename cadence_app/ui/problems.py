"""Errors as programs read them: RFC 9457 problem+json, for every path under /api/."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NotRequired, TypedDict

from flask import Response, request
from werkzeug.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"

# What a status alone says, for an error that brought no code of its own.
_USUAL = {
    400: ("bad_request", "The request can't be read."),
    401: ("token_needed", "Send a token of yours: Authorization: Bearer cad_…"),
    403: ("not_allowed", "This token may not do that."),
    404: ("not_found", "There is nothing here, or it belongs to somebody else."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("too_large", "The request is too large."),
    415: ("json_needed", "Send the body as application/json."),
    429: ("too_many_calls", "Too many calls. Wait as long as Retry-After says."),
    500: ("server_error", "Something broke on our side. Nothing of this call was half-saved."),
}

# Every code a call may answer, for the help page: the code, its status, what to do.
CATALOGUE = (
    ("bad_request", 400, "Look at the address and the headers."),
    ("bad_json", 400, "Send JSON that can be read."),
    ("token_needed", 401, "Send Authorization: Bearer and a token."),
    ("token_refused", 401, "The token is unknown, or the organization is suspended. Look at what you send."),
    ("token_ended", 401, "The token was ended or has expired. Ask an admin for another."),
    ("scope_missing", 403, "Use a token that may do this."),
    (
        "owner_not_admin",
        403,
        "Whose token it is, is no admin any more: it only writes opt outs until an admin takes it over.",
    ),
    ("not_found", 404, "Look at the address."),
    ("contact_not_found", 404, "There is no such contact in your organization."),
    ("team_not_found", 404, "Read the codes with GET /api/v1/teams."),
    ("inbox_not_found", 404, "An admin finds the numbers of your inboxes under Settings > Inboxes."),
    ("export_not_found", 404, "There is no such export in your organization."),
    ("file_not_available", 404, "The export failed, or its link has expired. Request another."),
    ("method_not_allowed", 405, "The Allow header says which methods the address takes."),
    ("reason_required", 409, "Give the reason: the person had stopped by their own text."),
    ("key_in_use", 409, "A call with this Idempotency-Key has not ended. Wait, then send it again."),
    ("key_used", 409, "Use a new Idempotency-Key for another request."),
    ("file_not_ready", 409, "The file is not written yet. Look at the export again soon."),
    ("erased", 410, "Nothing: the call was made once, and somebody in its answer was erased since."),
    ("too_large", 413, "Send less in one call."),
    ("json_needed", 415, "Send Content-Type: application/json."),
    ("invalid", 422, "The list errors says what, and where."),
    ("too_many_calls", 429, "Wait as many seconds as Retry-After says."),
    ("server_error", 500, "The problem has been logged, and nothing was half-saved. Try again later."),
)


class FieldError(TypedDict):
    """One thing to put right: `pointer` (JSON Pointer) in the body, or the name of a parameter."""

    code: str
    detail: str
    pointer: NotRequired[str]
    parameter: NotRequired[str]


class Problem(HTTPException):
    """An error with a stable code, for a program to act on, and a sentence for who reads its log."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.code, self.problem_code = status, code
        self.errors, self.headers = list(errors), list(headers)


def wanted() -> bool:
    """Whether the request came from a program, which can't read a page."""
    return request.path.startswith("/api/")


def problem_response(error: HTTPException) -> Response:
    status = error.code or 500
    code, detail = _USUAL.get(status, ("error", error.description or error.name))
    headers = [(name, value) for name, value in error.get_headers() if name.lower() == "allow"]
    body: dict[str, object] = {}
    if isinstance(error, Problem):
        code, detail = error.problem_code, error.description or detail
        headers += error.headers
        if error.errors:
            body["errors"] = error.errors
    body = {
        "type": f"/help/api#{code}",
        "title": error.name,
        "status": status,
        "code": code,
        "detail": detail,
    } | body
    return Response(json.dumps(body), status, headers, mimetype=MEDIA_TYPE)
