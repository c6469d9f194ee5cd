"""Exports as they are asked for and answered, as the OpenAPI document shows them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cadence_app.api.fields import ExtraName, GivenDay, Id, KindName, Time


class ExportInput(BaseModel):
    """Whole days in the organisation's time zone, both included. `extra_columns` come after the usual ones;
    each kind has its own. `HowTheyAgreed` stands for all that tell how who is opted in agreed."""

    model_config = ConfigDict(extra="forbid")

    kind: KindName
    start_date: GivenDay
    end_date: GivenDay
    extra_columns: Annotated[list[ExtraName], Field(max_length=20)] = []


class DeliveryOut(BaseModel):
    """A destination that the file goes to besides the mail, and the name it has there."""

    destination: str
    file_name: str
    state: Literal["waiting", "delivered", "failed", "dropped"]
    attempts: int
    delivered_at: Time | None
    problem: str


class ExportOut(BaseModel):
    """`sha256` and `size` (bytes) are of the file; `file_available` tells that it can be had now.
    `state` is `sent` when the mail and every one of the `deliveries` have arrived."""

    id: Id
    kind: str
    start_date: date
    end_date: date
    extra_columns: list[str]
    time_zone: str
    state: Literal["queued", "running", "mailing", "sent", "failed"]
    requested_at: Time
    rows: int | None
    size: int | None
    sha256: str
    file_available: bool
    problem: str
    deliveries: list[DeliveryOut]


class ExportPage(BaseModel):
    items: list[ExportOut]
    next_cursor: str | None
