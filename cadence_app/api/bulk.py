"""Many changes in one call: names become ids, the ledger's rules judge, each record gets its answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from cadence_app.accounts.models import Team, Tenant
from cadence_app.api.operations import OWNER_GONE
from cadence_app.api.proof import OF_OPT_OUT, BadProof, given_of
from cadence_app.api.schemas import BulkOut, BulkRecord, BulkResult
from cadence_app.consent import possible
from cadence_app.consent.by_api import Result, Wanted, set_by_api
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.evidence import Given
from cadence_app.consent.models import Status
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db
from cadence_app.phone_numbers import BadNumber, parse_number, spellings
from cadence_app.tenancy import tenant_in_use

TEAM_CLOSED = "This team is closed, and the contact is not in it: nobody joins it until it is reopened."
_DETAILS = {
    "contact_not_named": "Name the contact in exactly one way: contact_id, external_id or number.",
    "contact_not_found": "There is no such contact.",
    "bad_number": "This is no full phone number, or digits of it were lost. Give it as E.164.",
    "team_not_found": "There is no team with this code.",
    "reason_required": "This person had stopped by their own text; give the reason for opting them in.",
    "duplicate": "Another record of this call for the same contact and team counts: an opt out before an opt"
    " in, else the first.",
    "team_closed": TEAM_CLOSED,
    "number_stopped": "Somebody who had this number before texted STOP, so this person is opted out; give "
    "the reason, how they agreed, to opt them in.",
    "owner_not_admin": OWNER_GONE,
    "proof_of_opt_out": f"{OF_OPT_OUT} The opt out counts; the proof was left out.",
    "other_number": "This person is texted at another number; name them by that one to opt them in.",
}
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


class _Refused(Exception):
    """`args[0]` is a key of _DETAILS."""


def apply(records: Sequence[BulkRecord], actor: str, *, only_opt_outs: bool = False) -> BulkOut:
    """Applies what may be applied, in this transaction, in a fixed number of statements."""
    known, zone = _held_directory(records), db.session.get_one(Tenant, tenant_in_use()).zone
    results: list[BulkResult | None] = [None] * len(records)
    wanted: dict[int, Wanted] = {}
    for index, record in enumerate(records):
        try:
            if only_opt_outs and Status(record.status) != Status.OPTED_OUT:
                raise _Refused("owner_not_admin")
            contact_id, team_id = known.contact_of(record), known.team_of(record)
            given = _given(record, zone)
        except _Refused as refusal:
            results[index] = _refused(index, refusal.args[0])
        except BadProof as bad:
            results[index] = _answer(index, "refused", contact_id, code="bad_proof", detail=str(bad))
        else:
            number = known.number_of(record)
            wanted[index] = Wanted(contact_id, team_id, Status(record.status), record.reason, number, given)
    outcomes = set_by_api(list(wanted.values()), actor)
    for (index, each), outcome in zip(wanted.items(), outcomes, strict=True):
        if outcome.result in (Result.CHANGED, Result.UNCHANGED):
            left_out = "proof_of_opt_out" if records[index].proof and each.given is None else None
            results[index] = _answer(
                index,
                outcome.result,
                each.contact_id,
                change_id=outcome.change_id,
                status=each.status,
                code=left_out,
                detail=_DETAILS[left_out] if left_out else None,
                proof=outcome.proof,
            )
        elif outcome.result == Result.NUMBER_STOPPED:
            code = outcome.result
            results[index] = _answer(
                index,
                Result.CHANGED if outcome.change_id else Result.UNCHANGED,
                each.contact_id,
                change_id=outcome.change_id,
                status=Status.OPTED_OUT,
                code=code,
                detail=_DETAILS[code],
                proof=outcome.proof,
            )
        else:
            results[index] = _refused(index, outcome.result, each.contact_id)
    answered = [result for result in results if result]
    counts = Counter(result.result for result in answered)
    return BulkOut(
        changed=counts["changed"],
        unchanged=counts["unchanged"],
        refused=counts["refused"],
        results=answered,
    )


def _given(record: BulkRecord, zone: ZoneInfo) -> Given | None:
    """How they agreed. A stop is never refused, so one that comes with proof counts without it. Errors:
    BadProof."""
    if record.proof is None or Status(record.status) == Status.OPTED_OUT:
        return None
    return given_of(record.proof, zone)


def _held_directory(records: Sequence[BulkRecord]) -> _Directory:
    """Whom the records name, held, so that each number and ContactId is theirs until this transaction ends:
    whoever was merged or gave a number up while this waited is not, and who has it then is."""
    while True:
        waiting = db.session.begin_nested()
        named = _Directory(records).contact_ids
        lock_contacts(possible.with_holders(named))
        known = _Directory(records)
        if known.contact_ids <= named:
            waiting.commit()
            return known
        # Holding more of them now could end in a circle of waiting.
        waiting.rollback()


class _Directory:
    """The tenant's contacts and teams that a call's records name, each sort found by one statement."""

    def __init__(self, records: Sequence[BulkRecord]) -> None:
        self._numbers = {r.number: _e164(r.number) for r in records if r.number is not None}
        self._by_id = _ids(Contact.id, {r.contact_id for r in records if r.contact_id is not None})
        self._by_external_id = _ids(Contact.external_id, {r.external_id for r in records if r.external_id})
        self._by_number = _ids_by_number({number for number in self._numbers.values() if number})
        teams = db.session.execute(select(Team.code, Team.id))
        self._teams: dict[str, int] = {row.code: row.id for row in teams}

    @property
    def contact_ids(self) -> set[int]:
        return {*self._by_id.values(), *self._by_external_id.values(), *self._by_number.values()}

    def contact_of(self, record: BulkRecord) -> int:
        """Errors: _Refused."""
        names = (record.contact_id, record.external_id, record.number)
        if sum(name is not None for name in names) != 1:
            raise _Refused("contact_not_named")
        if record.number is not None and not self._numbers[record.number]:
            raise _Refused("bad_number")
        found = (
            self._by_id.get(record.contact_id)
            or self._by_external_id.get(record.external_id)
            or self._by_number.get(self._numbers.get(record.number or ""))
        )
        if found is None:
            raise _Refused("contact_not_found")
        return found

    def number_of(self, record: BulkRecord) -> str:
        """The number, as it is stored, that a record names its contact by; empty where it does not."""
        return self._numbers.get(record.number or "") or ""

    def team_of(self, record: BulkRecord) -> int:
        """Errors: _Refused."""
        if record.team not in self._teams:
            raise _Refused("team_not_found")
        return self._teams[record.team]


def _ids(column: Any, values: set[Any]) -> dict[Any, int]:
    """The ids of the contacts by the value of a column that tells them apart."""
    if not values:
        return {}
    rows = db.session.execute(select(column, Contact.id).where(column.in_(values), Contact.gone_at.is_(None)))
    return {row[0]: row[1] for row in rows}


def _ids_by_number(numbers: set[str]) -> dict[Any, int]:
    """The ids of the contacts who have these numbers now, each in whatever spelling it is stored."""
    if not numbers:
        return {}
    rows = db.session.execute(
        select(ContactNumber.number, ContactNumber.contact_id).where(
            ContactNumber.number.in_({each for number in numbers for each in spellings(number)}),
            ContactNumber.until.is_(None),
        )
    )
    stored = {row[0]: row[1] for row in rows}
    found = {number: next((stored[s] for s in spellings(number) if s in stored), None) for number in numbers}
    return {number: contact_id for number, contact_id in found.items() if contact_id}


def _e164(number: str) -> str | None:
    """A number as it is stored. One that is no full number may be so from before they were read strictly, and
    whoever has it can still be opted out by it."""
    try:
        return parse_number(number)
    except BadNumber:
        return number if _E164.fullmatch(number) else None


def _refused(index: int, code: str, contact_id: int | None = None) -> BulkResult:
    return _answer(index, "refused", contact_id, code=str(code), detail=_DETAILS[code])


def _answer(index: int, result: str, contact_id: int | None, **more: object) -> BulkResult:
    return BulkResult.model_validate({"index": index, "result": str(result), "contact_id": contact_id} | more)
