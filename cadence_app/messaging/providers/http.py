"""Calling a carrier's API over HTTP, and what its answers mean for a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cadence_app.messaging.providers.base import NotTaken, Refused
from cadence_app.outbound import guarded_http
from cadence_app.outbound.guarded_http import HTTPError, HTTPStatusError, NoAnswer, Response
from cadence_app.outbound.policy import Kind

__all__ = ["HTTPError", "HTTPStatusError", "NoAnswer", "Response"]

# RFC 6585 and RFC 9110: not now. Any other error of a server or a gateway may come after the post was taken.
NOT_NOW = frozenset({429, 503})


def request(method: str, url: str, **options: Any) -> Response:
    """One request to a carrier's API, whatever it answers. It has one of few threads meanwhile
    (messaging/calling.py), so the policy gives it little time. Errors: NoAnswer."""
    return guarded_http.request(Kind.CARRIER, method, url, **options)


def post(
    url: str,
    body: Mapping[str, Any],
    refused: Callable[[Response], Refused | NotTaken],
    *,
    form: bool = False,
    **authentication: Any,
) -> Any:
    """The JSON of a 2xx answer to a post of JSON, or of a form. `refused` makes the error of an answer below
    500: a definite refusal, or NotTaken where the carrier says "not now" by its content.

    Errors: NotTaken for 429, 503 and where no connection came about; `refused` for other answers below 500;
    with any other HTTPError, such as a time-out or a 500, it is unknown whether the post was taken.
    """
    try:
        answer = request("POST", url, **({"data": body} if form else {"json": body}), **authentication)
    except NoAnswer as error:
        if error.sent:
            raise
        raise NotTaken(f"it could not be reached ({error})") from error
    if answer.status_code in NOT_NOW:
        raise NotTaken(
            f"it answered {answer.status_code}", seconds_to_wait(answer.headers.get("Retry-After"))
        )
    if 300 <= answer.status_code < 500:
        raise refused(answer)
    answer.raise_for_status()
    return answer.json()


def seconds_to_wait(retry_after: str | None) -> float | None:
    """A Retry-After header in seconds, within an hour; None where there is none that can be read."""
    given = (retry_after or "").strip()
    return min(float(given), 3600.0) if given.isdecimal() else None


def json_of(answer: Response) -> Any:
    """An answer's JSON, or an empty object where it has none."""
    try:
        return answer.json()
    except ValueError:
        return {}
