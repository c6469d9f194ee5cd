"""Proof of an opt in: what of it the schema can't judge, and a contact's evidence as calls answer it."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cadence_app.api.proof_schemas import Proof
from cadence_app.consent import evidence, evidence_basis
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Evidence, Method
from cadence_app.consent.models import Status
from cadence_app.ui.problems import FieldError, Problem

# A program's clock may go before ours by this much.
SLACK = timedelta(minutes=5)
OF_OPT_OUT = "Proof says how somebody agreed; give it with an opt in only."
_FORMATS = "Give an address such as https://college.example/join."


class BadProof(ValueError):
    """`errors` say what is wrong with it; their pointers begin at the proof."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{each['pointer']}: {each['detail']}" for each in errors))
        self.errors = errors


def given_of(proof: Proof, zone: ZoneInfo) -> Given:
    """How somebody agreed, as the ledger takes it; days are days of `zone`. Errors: BadProof."""
    words, page_url = proof.words.strip(), proof.page_url.strip()
    ip, collected_by = proof.ip.strip(), proof.collected_by.strip()
    errors = _errors_of_time(proof, zone)
    address = _address(ip)
    if address is None:
        errors.append(_error("bad_ip", "This is no IPv4 or IPv6 address.", "/ip"))
    if page_url and not _is_web(page_url):
        errors.append(_error("bad_url", _FORMATS, "/page_url"))
    if not (proof.agreed_at or proof.agreed_on or words or page_url or proof.sha256 or ip or collected_by):
        errors.append(_error("proof_empty", "Give at least one thing besides the method.", ""))
    if errors or address is None:
        raise BadProof(errors)
    return Given(
        Method(proof.method),
        agreed_on=proof.agreed_on,
        agreed_at=proof.agreed_at.astimezone(UTC) if proof.agreed_at else None,
        words=words,
        page_url=page_url,
        sha256=bytes.fromhex(proof.sha256) if proof.sha256 else None,
        ip=address,
        collected_by=collected_by,
    )


def given_for(status: str, proof: Proof | None, zone: ZoneInfo) -> Given | None:
    """given_of() for a call about one contact. Errors: Problem 422, also for proof of an opt out."""
    if proof is None:
        return None
    try:
        if Status(status) == Status.OPTED_OUT:
            raise BadProof([_error("proof_of_opt_out", OF_OPT_OUT, "")])
        return given_of(proof, zone)
    except BadProof as bad:
        errors: list[FieldError] = [each | {"pointer": f"/proof{each['pointer']}"} for each in bad.errors]
        raise Problem(
            422, "invalid", "Something in the proof is not as it must be; see errors.", errors
        ) from bad


def evidence_values(contact_id: int, team_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """What ConsentWithEvidence shows beside a status, by team."""
    bases = evidence_basis.bases_of(contact_id, team_ids)
    values: dict[int, dict[str, Any]] = {}
    for team_id in team_ids:
        basis = bases.get(team_id, evidence_basis.NOTHING)
        values[team_id] = {"evidence": [], "text_change_id": basis.text.id if basis.text else None}
    resting = {row.id for basis in bases.values() for row in basis.evidence}
    for row in evidence.evidence_of(contact_id, team_ids):
        values[row.team_id]["evidence"].append(_shown(row, row.id in resting))
    return values


def _shown(row: Evidence, rests_on: bool) -> dict[str, Any]:
    return {
        "id": row.id,
        "rests_on": rests_on,
        "method": row.method,
        "agreed_on": row.agreed_on,
        "agreed_at": row.agreed_at,
        "words": row.words,
        "page_url": row.page_url,
        "sha256": row.sha256.hex() if row.sha256 else None,
        "ip": row.ip,
        "number": row.number,
        "collected_by": row.collected_by,
        "recorded_at": row.recorded_at,
        "way": row.way,
        "entered_by": row.user_name,
        "origin": row.origin,
    }


def _errors_of_time(proof: Proof, zone: ZoneInfo) -> list[FieldError]:
    errors: list[FieldError] = []
    latest = datetime.now(UTC) + SLACK
    if proof.agreed_at and proof.agreed_on:
        errors.append(_error("two_times", "Give the day or the time, not both.", "/agreed_on"))
    if proof.agreed_on:
        errors += _out_of_range(proof.agreed_on, latest.astimezone(zone).date(), "/agreed_on")
    if proof.agreed_at:
        # The day is taken only of a time that is near enough to have one in every zone.
        too_early = proof.agreed_at < datetime.combine(evidence.EARLIEST, datetime.min.time(), zone)
        day = evidence.EARLIEST - timedelta(days=1) if too_early else evidence.EARLIEST
        errors += _out_of_range(day, date.max, "/agreed_at")
        if proof.agreed_at > latest:
            errors.append(_error("in_the_future", "This is in the future.", "/agreed_at"))
    return errors


def _out_of_range(day: date, latest: date, pointer: str) -> list[FieldError]:
    if day > latest:
        return [_error("in_the_future", "This is in the future.", pointer)]
    if day < evidence.EARLIEST:
        text = f"This is before {evidence.EARLIEST}, when nobody had been texted yet."
        return [_error("too_early", text, pointer)]
    return []


def _address(ip: str) -> str | None:
    """An address in its usual form; empty for none; None for what is no address."""
    if not ip:
        return ""
    try:
        return str(ipaddress.ip_address(ip))
    except ValueError:
        return None


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not any(map(str.isspace, url))
    except ValueError:
        return False


def _error(code: str, detail: str, pointer: str) -> FieldError:
    return {"code": code, "detail": detail, "pointer": pointer}
