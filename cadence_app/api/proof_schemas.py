"""Proof of an opt in as it goes in, and evidence as it comes out, as the OpenAPI document shows them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from cadence_app.api.fields import (
    STORABLE,
    GivenDay,
    GivenMethodName,
    GivenTime,
    Id,
    MethodName,
    Sha256,
    Time,
    WayName,
)
from cadence_app.consent.evidence import EARLIEST, MOST_NAME, MOST_URL, MOST_WORDS


class Proof(BaseModel):
    """How this person agreed to be texted; give at least one thing besides the method. The day or the time
    may be long ago, and is not in the future. The rest is what CTIA's Messaging Principles, 5.1.2, ask to
    keep."""

    model_config = ConfigDict(extra="forbid")

    method: Annotated[
        GivenMethodName,
        Field(
            description="`keyword`: a word texted to another system. `spoken`: in person or by phone. "
            "`other_system`: another system's certificate. `api`: this system says so."
        ),
    ] = "api"
    agreed_at: Annotated[GivenTime | None, Field(description="The time; or give `agreed_on`")] = None
    agreed_on: Annotated[
        GivenDay | None,
        Field(description=f"The day, in the organization's time zone, from {EARLIEST}; or give `agreed_at`"),
    ] = None
    words: Annotated[
        StrictStr, Field(max_length=MOST_WORDS, pattern=STORABLE, description="What they read and agreed to")
    ] = ""
    page_url: Annotated[
        StrictStr,
        Field(max_length=MOST_URL, pattern=STORABLE, description="The page they were on, http or https"),
    ] = ""
    sha256: Annotated[Sha256 | None, Field(description="SHA-256 of the page or paper, in hex")] = None
    ip: Annotated[
        StrictStr, Field(max_length=45, pattern=STORABLE, description="Their address, IPv4 or IPv6")
    ] = ""
    collected_by: Annotated[
        StrictStr, Field(max_length=MOST_NAME, pattern=STORABLE, description="Who or what asked them")
    ] = ""


class EvidenceOut(BaseModel):
    """One thing that says how this person agreed to be texted by the team. `rests_on`: the consent rests on
    it; it does not on what was recorded before they last opted in, or agreed to before they last opted out.
    `agreed_on` is a day of the organisation's time zone, null where nobody said. `way` is where it came in,
    `entered_by` the user or token that brought it, `number` the one they had then."""

    id: Id
    rests_on: bool
    method: MethodName
    agreed_on: date | None
    agreed_at: Time | None
    words: str
    page_url: str
    sha256: str | None
    ip: str
    number: str
    collected_by: str
    recorded_at: Time
    way: WayName
    entered_by: str
    origin: str
