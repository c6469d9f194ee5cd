"""What goes in and comes out of the API, as the OpenAPI document shows it. Times are RFC 3339, UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictStr,
)

from cadence_app.reports.kinds import KINDS

MAX_RECORDS = 10_000
MAX_PAGE = 200
_MAX_ID = 2**63 - 1
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Any text but one with a NUL, which PostgreSQL can't store.
_STORABLE = r"^[^\x00]*$"


def _utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _written_day(value: object) -> object:
    """Keeps out what pydantic would make a date of besides: numbers, and times of day."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        return value
    raise ValueError("Give a date as year-month-day, such as 2026-03-31.")


def _written_time(value: object) -> object:
    if isinstance(value, str) and "T" in value.upper():
        return value
    raise ValueError("Give a time with its zone, such as 2026-03-31T00:00:00Z.")


def _with_zone(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("Give a time with its zone, such as 2026-03-31T00:00:00Z.")
    return value


def _written_number(value: object) -> object:
    """Keeps out what pydantic would make a number of besides. JSON has one sort of number: 7.0 is 7."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError("Give a whole number.")


def _known_kind(value: str) -> str:
    if value not in KINDS:
        raise ValueError(f"There is no kind {value!r}.")
    return value


Time = Annotated[
    datetime, PlainSerializer(_utc, return_type=str), Field(json_schema_extra={"format": "date-time"})
]
GivenTime = Annotated[datetime, BeforeValidator(_written_time), AfterValidator(_with_zone)]
GivenDay = Annotated[date, BeforeValidator(_written_day)]
Id = Annotated[int, Field(ge=1, le=_MAX_ID)]
GivenId = Annotated[int, Field(ge=1, le=_MAX_ID), BeforeValidator(_written_number)]
StatusName = Literal["opted_in", "opted_out"]
SourceName = Literal["cold_inbound", "manual_add", "keyword", "toggle", "import", "api"]
TeamCode = Annotated[
    StrictStr, Field(min_length=1, max_length=100, pattern=_STORABLE, description="The code of a team")
]
Reason = Annotated[
    StrictStr,
    Field(
        max_length=1000,
        pattern=_STORABLE,
        description="Why; needed to opt in somebody who had stopped by their own text.",
    ),
]
Cursor = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,18}$", description="`next_cursor` of the page before; leave it out to begin."),
]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="How many at most")]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class IdempotencyHeaders(BaseModel):
    key: Annotated[
        str | None,
        Field(
            alias="Idempotency-Key",
            min_length=1,
            max_length=200,
            pattern=r"^[!-~]+$",
            description="Your own id of this call. For 24 hours the same key with the same request gets the "
            "first answer again, and nothing is done twice.",
        ),
    ] = None


class Page(_Given):
    cursor: Cursor | None = None
    limit: Limit = 50


class ContactQuery(Page):
    number: Annotated[
        str | None, Field(pattern=r"^[+ ]?[1-9][0-9]{6,14}$", description="E.164, such as +12125550142")
    ] = None
    external_id: Annotated[
        str | None,
        Field(max_length=200, pattern=_STORABLE, description="Empty finds those who have none"),
    ] = None
    search: Annotated[
        str | None,
        Field(min_length=1, max_length=200, pattern=_STORABLE, description="Part of a name, id or number"),
    ] = None


class ChangeQuery(Page):
    since: Annotated[GivenTime | None, Field(description="Only what changed at or after this time")] = None
    team: Annotated[str | None, Field(min_length=1, max_length=100, pattern=_STORABLE)] = None
    source: SourceName | None = None


class ConsentInput(_Given):
    status: StatusName
    reason: Reason = ""


class BulkRecord(_Given):
    """Name the contact in one way: contact_id, external_id or number."""

    contact_id: GivenId | None = None
    external_id: Annotated[StrictStr, Field(min_length=1, max_length=200, pattern=_STORABLE)] | None = None
    number: Annotated[StrictStr, Field(min_length=1, max_length=40, pattern=_STORABLE)] | None = None
    team: TeamCode
    status: StatusName
    reason: Reason = ""


class BulkInput(_Given):
    records: Annotated[list[BulkRecord], Field(min_length=1, max_length=MAX_RECORDS)]


class ExportInput(_Given):
    """Whole days in the organisation's time zone, both included."""

    kind: Annotated[StrictStr, AfterValidator(_known_kind), Field(json_schema_extra={"enum": sorted(KINDS)})]
    start_date: GivenDay
    end_date: GivenDay


class TeamOut(BaseModel):
    code: str
    name: str


class TeamList(BaseModel):
    items: list[TeamOut]


class ContactOut(BaseModel):
    id: Id
    first_name: str
    last_name: str
    external_id: str
    number: str
    created_at: Time


class ContactPage(BaseModel):
    """`next_cursor` is null on the last page."""

    items: list[ContactOut]
    next_cursor: str | None


class ConsentOut(BaseModel):
    """`reason_required`: an opt in needs a reason. `possible_opt_out`: a text of theirs reads like an opt
    out and holds automated texts until somebody has decided."""

    contact_id: Id
    team: str
    status: StatusName
    since: Time
    source: SourceName
    change_id: Id
    reason_required: bool
    possible_opt_out: bool


class BlockOut(BaseModel):
    scope: Literal["personal", "organisation", "carrier_number"]
    since: Time


class ConsentList(BaseModel):
    """`blocks` are bars beside consent: on personal inboxes, on teams joined later, by a carrier."""

    items: list[ConsentOut]
    blocks: list[BlockOut]


class ConsentChanged(ConsentOut):
    result: Literal["changed", "unchanged"]


class BulkResult(BaseModel):
    """The answer to the record at `index`. A refused one says why in `code` and `detail`."""

    index: int
    result: Literal["changed", "unchanged", "refused"]
    contact_id: int | None = None
    change_id: int | None = None
    code: (
        Literal[
            "contact_not_named",
            "contact_not_found",
            "bad_number",
            "team_not_found",
            "reason_required",
            "duplicate",
        ]
        | None
    ) = None
    detail: str | None = None


class BulkOut(BaseModel):
    changed: int
    unchanged: int
    refused: int
    results: list[BulkResult]


class ChangeOut(BaseModel):
    """Names, ids and team code as they were at that moment. `by` is the user or token that did it; `words`
    are the contact's own."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    contact_id: Id
    first_name: str
    last_name: str
    external_id: str
    number: str
    team: Annotated[str, Field(validation_alias="team_code")]
    status: StatusName
    changed_at: Time
    source: SourceName
    by: Annotated[str, Field(validation_alias="user_name")]
    words: str
    reason: str


class ChangePage(BaseModel):
    """Keep `next_cursor`: the next call goes on there, now or another day. `more` tells that it will find
    something at once."""

    items: list[ChangeOut]
    next_cursor: str
    more: bool


class ExportOut(BaseModel):
    """`sha256` and `size` (bytes) are of the file; `file_available` tells that it can be had now."""

    id: Id
    kind: str
    start_date: date
    end_date: date
    time_zone: str
    state: Literal["queued", "running", "mailing", "sent", "failed"]
    requested_at: Time
    rows: int | None
    size: int | None
    sha256: str
    file_available: bool
    problem: str


class ExportPage(BaseModel):
    items: list[ExportOut]
    next_cursor: str | None


class FieldErrorOut(BaseModel):
    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None


class ProblemOut(BaseModel):
    """RFC 9457. `code` is stable: act on it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldErrorOut] | None = None
