"""What goes in and comes out of the API, as the OpenAPI document shows it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from cadence_app.api.fields import (
    STORABLE,
    BarName,
    Cursor,
    GivenId,
    GivenTime,
    Id,
    KeptName,
    Limit,
    Reason,
    SourceName,
    StatusName,
    TeamCode,
    Time,
)
from cadence_app.api.proof_schemas import EvidenceOut, Proof

MAX_RECORDS = 10_000


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
        Field(max_length=200, pattern=STORABLE, description="Empty finds those who have none"),
    ] = None
    search: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            pattern=STORABLE,
            description="Beginnings of words of a name or id, a tag, or part of a number",
        ),
    ] = None


class ContactInput(_Given):
    """`reason`: how this person agreed, needed where somebody who had the number before had texted STOP."""

    number: Annotated[StrictStr, Field(min_length=1, max_length=40, pattern=STORABLE)]
    team: TeamCode
    first_name: Annotated[StrictStr, Field(max_length=200, pattern=STORABLE)] = ""
    last_name: Annotated[StrictStr, Field(max_length=200, pattern=STORABLE)] = ""
    external_id: Annotated[StrictStr, Field(max_length=200, pattern=STORABLE)] = ""
    reason: Reason = ""
    proof: Proof | None = None


class ChangeQuery(Page):
    since: Annotated[GivenTime | None, Field(description="Only what changed at or after this time")] = None
    team: Annotated[str | None, Field(min_length=1, max_length=100, pattern=STORABLE)] = None
    source: SourceName | None = None


class ConsentInput(_Given):
    """`proof` is for an opt in, and is kept for somebody who is opted in already, too."""

    status: StatusName
    reason: Reason = ""
    proof: Proof | None = None


class BulkRecord(_Given):
    """Name the contact in one way: contact_id, external_id or number. `proof` is for an opt in."""

    contact_id: GivenId | None = None
    external_id: Annotated[StrictStr, Field(min_length=1, max_length=200, pattern=STORABLE)] | None = None
    number: Annotated[StrictStr, Field(min_length=1, max_length=40, pattern=STORABLE)] | None = None
    team: TeamCode
    status: StatusName
    reason: Reason = ""
    proof: Proof | None = None


class BulkInput(_Given):
    records: Annotated[list[BulkRecord], Field(min_length=1, max_length=MAX_RECORDS)]


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


class ConsentWithEvidence(ConsentOut):
    """`evidence` is all that was recorded of how they agreed, oldest first; nothing is made up for who came
    before there was evidence. `text_change_id` is the change that a text of theirs made, a first text or a
    START, where that is what opted them in: such a text is evidence of itself."""

    evidence: list[EvidenceOut]
    text_change_id: Id | None


class MayTextQuery(_Given):
    """`kind`: a text that a person sends by hand, or one that goes by itself, as of a campaign or set for a
    time. Words that may be an opt out hold only the second."""

    inbox: Annotated[
        str, Field(pattern=r"^[+ ]?[1-9][0-9]{6,14}$", description="The number that would text them, E.164")
    ]
    kind: Literal["by_hand", "automated"] = "automated"


class MayTextOut(BaseModel):
    """`bars` are all that stand in the way, in the order in which they are asked; `bar` is the first, the
    reason, null where the text may go; `detail` says it in words for people. Bars may be added: take one that
    you do not know for a no like any other."""

    contact_id: Id
    number: Annotated[str, Field(description="Where a text would go")]
    inbox: str
    team: str
    kind: Literal["by_hand", "automated"]
    may_text: bool
    bar: BarName | None
    bars: list[BarName]
    detail: str


class BlockOut(BaseModel):
    scope: Literal["team", "personal", "organisation", "carrier_number"]
    since: Time


class ConsentList(BaseModel):
    """`blocks` are bars beside consent: on personal inboxes, on teams joined later, by a carrier, and on a
    team whose texts somebody who had the number before had stopped."""

    items: list[ConsentWithEvidence]
    blocks: list[BlockOut]


class ConsentChanged(ConsentOut):
    """`code` is `number_stopped` where the contact is opted out instead of in, because somebody who had the
    number before had texted STOP: give the `reason`, how this person agreed, to opt them in. `proof` is
    `recorded`, or `known` where the same is on file for the status that stands."""

    result: Literal["changed", "unchanged"]
    code: Literal["number_stopped"] | None = None
    proof: KeptName | None = None


class ContactAdded(BaseModel):
    """`existed`: somebody with this number was a contact already, whose names are as they were. `code` and
    `proof`: as in ConsentChanged. Proof is not kept of who is texted at another number."""

    contact: ContactOut
    consent: ConsentOut
    existed: bool
    code: Literal["number_stopped"] | None = None
    proof: KeptName | None = None


class BulkResult(BaseModel):
    """The answer to the record at `index`. A refused one says why in `code` and `detail`; so does one that
    was opted out instead of in (`number_stopped`), and an opt out whose proof was left out
    (`proof_of_opt_out`). `status` is what it is now, where it was not refused; `proof` as in
    ConsentChanged."""

    index: int
    result: Literal["changed", "unchanged", "refused"]
    contact_id: int | None = None
    change_id: int | None = None
    status: StatusName | None = None
    code: (
        Literal[
            "contact_not_named",
            "contact_not_found",
            "bad_number",
            "team_not_found",
            "reason_required",
            "duplicate",
            "team_closed",
            "other_number",
            "number_stopped",
            "owner_not_admin",
            "bad_proof",
            "proof_of_opt_out",
        ]
        | None
    ) = None
    detail: str | None = None
    proof: KeptName | None = None


class BulkOut(BaseModel):
    changed: int
    unchanged: int
    refused: int
    results: list[BulkResult]


class ChangeOut(BaseModel):
    """Names, ids and team code as they were at that moment. `number` is the one the contact was texted at,
    the phone that sent the words, or, where the number was changed, the one that was given up. `by` is the
    user or token that did it; `words` are the contact's own."""

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


class ConsentChangedEvent(BaseModel):
    """What a webhook brings. `timestamp` is when it changed; `data` is a change as GET /changes has it."""

    type: Literal["consent.changed"] = "consent.changed"
    timestamp: Time
    data: ChangeOut


class ChangePage(BaseModel):
    """Keep `next_cursor`: the next call goes on there, now or another day. `more` tells that it will find
    something at once."""

    items: list[ChangeOut]
    next_cursor: str
    more: bool


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
