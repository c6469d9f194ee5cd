"""Where the API's calls are registered, and what holds for all of them."""

from __future__ import annotations

from flask import Blueprint, Response, request

api = Blueprint("api", __name__, url_prefix="/api/v1")

# 10,000 records, each with a reason of a sentence or two; other bodies stay under the site's own limit.
MAX_BULK_BYTES = 8 * 1024 * 1024


@api.before_request
def _allow_large_bulk() -> None:
    if request.endpoint == "api.set_consents":
        request.max_content_length = MAX_BULK_BYTES


@api.after_request
def _never_stored(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
