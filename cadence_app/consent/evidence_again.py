"""What of many rows of evidence is recorded already, and what rests on those that are: for files and calls of
the API, which come again, a few statements for a whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, and_, any_, cast, func, or_, select
from sqlalchemy.orm import aliased

from cadence_app.consent.evidence_basis import day_of, is_of_opt_in, rests_on, same_number, stopped_everywhere
from cadence_app.consent.evidence_models import Evidence
from cadence_app.consent.models import Block, Consent, OptOutChange, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db


def fingerprint(row: Any) -> ColumnElement[str]:
    """Everything that a row of evidence says, or one of record_selected() would, but whose it is: equal for
    rows that say the same. In hexadecimal."""
    agreed_on = func.coalesce(row.agreed_on, day_of(row.agreed_at))
    said = (row.method, agreed_on, func.extract("epoch", row.agreed_at), row.words, row.page_url, row.ip)
    return func.md5(cast(func.jsonb_build_array(*said, row.collected_by, row.origin, row.sha256), Text))


def already(contact_ids: Collection[int]) -> set[tuple[int, int, str]]:
    """Contact, team and fingerprint of what needs no recording again: while they are in, what was recorded
    since, though they agreed to it before they last opted out, for it would be no more the second time; and
    while they are out, whatever is there. A few statements, however many they are."""
    asked = cast(list(contact_ids), ARRAY(BigInteger))
    merged = select(Contact.id, Contact.merged_into_id).where(Contact.merged_into_id == any_(asked))
    owners = dict.fromkeys(contact_ids) | {row.id: row.merged_into_id for row in db.session.execute(merged)}
    theirs = Evidence.contact_id == any_(cast(list(owners), ARRAY(BigInteger)))
    kept = aliased(Contact)
    query = (
        select(Evidence.id, Evidence.contact_id, Evidence.team_id, fingerprint(Evidence).label("said"))
        .join(Contact, Contact.id == Evidence.contact_id)
        .join(kept, kept.id == func.coalesce(Contact.merged_into_id, Contact.id))
        .where(same_number(Evidence.number, kept.number))
    )
    rows = {
        row.id: (owners[row.contact_id] or row.contact_id, row.team_id, str(row.said))
        for row in db.session.execute(query.where(theirs))
    }
    pairs = {evidence_id: row[:2] for evidence_id, row in rows.items()}
    since, inside = _of_opt_ins(pairs, is_of_opt_in)
    return {row for evidence_id, row in rows.items() if evidence_id in since or row[:2] not in inside}


def what_rests_on(evidence_ids: Collection[int]) -> dict[tuple[int, int, int], bool]:
    """By id, contact and team of each of these rows, which are their own: whether a consent rests on it."""
    asked = Evidence.id == any_(cast(list(evidence_ids), ARRAY(BigInteger)))
    query = select(Evidence.id, Evidence.contact_id, Evidence.team_id).where(asked)
    rows = [(row.id, row.contact_id, row.team_id) for row in db.session.execute(query)]
    resting, _ = _of_opt_ins({row[0]: row[1:] for row in rows}, rests_on)
    return {row: row[0] in resting for row in rows}


def _of_opt_ins(
    pairs: Mapping[int, tuple[int, int]], which: Callable[[Any], ColumnElement[bool]]
) -> tuple[set[int], set[tuple[int, int]]]:
    """Of rows of evidence, by their ids, of these contacts (those they were merged into) and teams: the ids
    of those of which `which`, a condition of evidence_basis.py, says that they are of a consent, and the
    pairs that are opted in. Only who was opted out once is asked for one by one: on a table that was filled a
    moment ago that takes the square of their number."""
    if not pairs:
        return set(), set()
    asked = cast(list({contact_id for contact_id, _ in pairs.values()}), ARRAY(BigInteger))
    status = select(Consent.contact_id, Consent.team_id).where(
        Consent.contact_id == any_(asked), Consent.status == Status.OPTED_IN
    )
    inside = {(row.contact_id, row.team_id) for row in db.session.execute(status)}
    owner = func.coalesce(Contact.merged_into_id, Contact.id)
    ids = select(Contact.id).where(or_(Contact.id == any_(asked), Contact.merged_into_id == any_(asked)))
    theirs = list(db.session.scalars(ids))
    outs = (
        select(owner.label("owner"), OptOutChange.team_id)
        .join(Contact, Contact.id == OptOutChange.contact_id)
        .where(
            OptOutChange.contact_id == any_(cast(theirs, ARRAY(BigInteger))),
            OptOutChange.status == Status.OPTED_OUT,
        )
        .distinct()
    )
    were_out = {(row.owner, row.team_id) for row in db.session.execute(outs)}
    barred = select(Block.contact_id).where(Block.contact_id == any_(asked), stopped_everywhere())
    everywhere = set(db.session.scalars(barred))
    were_out |= {pair for pair in pairs.values() if pair[0] in everywhere}
    sure = {each for each, pair in pairs.items() if pair in inside and pair not in were_out}
    unsure = [each for each, pair in pairs.items() if pair in inside and pair in were_out]
    precise = (
        select(Evidence.id)
        .join(Contact, Contact.id == Evidence.contact_id)
        .join(Consent, and_(Consent.contact_id == owner, Consent.team_id == Evidence.team_id))
        .where(Evidence.id == any_(cast(unsure, ARRAY(BigInteger))), which(Evidence))
    )
    return sure | set(db.session.scalars(precise) if unsure else ()), inside
