"""The sorts of value that calls take and answer. Times are RFC 3339, UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StrictStr

from cadence_app.reports.kinds import KINDS

MAX_PAGE = 200
_MAX_ID = 2**63 - 1
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EXTRA = {column.name for kind in KINDS.values() for column in kind.extra}
# Any text but one with a NUL, which PostgreSQL can't store.
STORABLE = r"^[^\x00]*$"


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


def _known_extra(value: str) -> str:
    if value not in _EXTRA:
        raise ValueError(f"There is no extra column {value!r}.")
    return value


Time = Annotated[
    datetime, PlainSerializer(_utc, return_type=str), Field(json_schema_extra={"format": "date-time"})
]
GivenTime = Annotated[datetime, BeforeValidator(_written_time), AfterValidator(_with_zone)]
GivenDay = Annotated[date, BeforeValidator(_written_day)]
Id = Annotated[int, Field(ge=1, le=_MAX_ID)]
GivenId = Annotated[int, Field(ge=1, le=_MAX_ID), BeforeValidator(_written_number)]
StatusName = Literal["opted_in", "opted_out"]
SourceName = Literal[
    "cold_inbound", "manual_add", "keyword", "toggle", "import", "api", "number_change", "merge"
]
BarName = Literal[
    "not_in_team",
    "inbox_closed",
    "organisation_suspended",
    "number_unsendable",
    "opted_out",
    "personal_opt_out",
    "carrier_block",
    "possible_opt_out",
]
TeamCode = Annotated[
    StrictStr, Field(min_length=1, max_length=100, pattern=STORABLE, description="The code of a team")
]
Reason = Annotated[
    StrictStr,
    Field(
        max_length=1000,
        pattern=STORABLE,
        description="Why; needed to opt in somebody who had stopped by their own text.",
    ),
]
MethodName = Literal["web_form", "keyword", "paper", "spoken", "import", "api", "other_system"]
GivenMethodName = Literal["web_form", "keyword", "paper", "spoken", "api", "other_system"]
WayName = Literal["added", "opted_in", "new_text", "number_change", "record", "import", "api"]
KeptName = Literal["recorded", "known"]
Sha256 = Annotated[StrictStr, Field(pattern=r"^[0-9A-Fa-f]{64}$", description="64 hexadecimal digits")]
Cursor = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,18}$", description="`next_cursor` of the page before; leave it out to begin."),
]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="How many at most")]
ExtraName = Annotated[
    StrictStr, AfterValidator(_known_extra), Field(json_schema_extra={"enum": sorted(_EXTRA)})
]
KindName = Annotated[StrictStr, AfterValidator(_known_kind), Field(json_schema_extra={"enum": sorted(KINDS)})]
