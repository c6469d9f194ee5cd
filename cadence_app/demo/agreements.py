"""How the demo's people agreed to be texted, in every way that can be recorded; of many nobody wrote it down.

Cold texts need nothing here: the conversations have them.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from cadence_app.accounts.models import Team, Tenant, User
from cadence_app.consent import evidence
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Method, Way
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import Consent, OptOutChange, Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.demo import people
from cadence_app.extensions import db

_PROGRAM = "Student records (API token)"
_FROM_PROGRAM = 8
_WORDS = (
    "I agree to receive text messages from {college} about my application and enrollment. Message and data"
    " rates may apply. Reply STOP to opt out."
)


@dataclass(frozen=True)
class _Told:
    """A way in which people came in, and how many of them there are at most."""

    source: Source
    most: int
    way: Way
    given: Callable[[datetime, str], Given]
    origin: str = ""
    later: timedelta = timedelta(0)


def load_agreements(
    tenant: Tenant,
    teams: list[Team],
    admin: User,
    agent: User,
    numbers: Iterator[str],
    chance: random.Random,
) -> None:
    """Records how some of those agreed who are opted in, each on the day of their opt in or soon after."""
    _by_program(tenant, teams, numbers, chance)
    known: dict[Source, list[OptOutChange]] = {}
    for change in _opt_ins():
        known.setdefault(change.source, []).append(change)
    told = [each for way in _ways(tenant) for each in [way] * way.most]
    chance.shuffle(told)
    for each in told:
        there = known.get(each.source, [])
        if not there:
            continue
        # The newest, and some, of whom nobody wrote it down, between them.
        change = there.pop(-1 - chance.randrange(min(4, len(there))))
        evidence.record(
            [(change.contact_id, change.team_id)],
            each.given(change.changed_at, tenant.name),
            each.way,
            _PROGRAM if each.source == Source.API else admin if each.source == Source.IMPORT else agent,
            each.origin,
            min(change.changed_at + each.later, datetime.now(UTC)),
        )


def _opt_ins() -> list[OptOutChange]:
    """What opted in those who are, in the order in which it happened."""
    query = (
        select(OptOutChange)
        .join(Consent, Consent.change_id == OptOutChange.id)
        .join(Contact, Contact.id == Consent.contact_id)
        .where(Consent.status == Status.OPTED_IN, Contact.gone_at.is_(None))
    )
    return list(db.session.scalars(query.order_by(OptOutChange.changed_at, OptOutChange.id)))


def _ways(tenant: Tenant) -> tuple[_Told, ...]:
    site = f"https://www.{tenant.name.split()[0].lower()}.example"
    signed = "The applicants in this file checked “Text me” on the paper application, which we keep."
    return (
        _Told(Source.MANUAL_ADD, 60, Way.ADDED, _paper),
        _Told(Source.MANUAL_ADD, 40, Way.NEW_TEXT, _spoken),
        _Told(Source.MANUAL_ADD, 25, Way.ADDED, _web(f"{site}/visit")),
        _Told(Source.MANUAL_ADD, 12, Way.RECORD, _certificate, later=timedelta(days=3)),
        _Told(Source.TOGGLE, 10, Way.OPTED_IN, _spoken),
        _Told(
            Source.IMPORT, 90, Way.IMPORT, lambda at, _: Given(Method.IMPORT, words=signed), "Fall roster.csv"
        ),
        _Told(Source.IMPORT, 60, Way.IMPORT, _web(f"{site}/visit"), "Campus visits.csv"),
        _Told(Source.IMPORT, 15, Way.IMPORT, _keyword, "Open house texts.csv"),
        _Told(Source.API, _FROM_PROGRAM, Way.API, _web(f"{site}/apply")),
        _Told(Source.API, 5, Way.API, _says_so),
    )


def _paper(at: datetime, _: str) -> Given:
    signed = (at - timedelta(days=2)).date()
    return Given(Method.PAPER, signed, words="Signed the contact card", collected_by="Front desk")


def _spoken(at: datetime, _: str) -> Given:
    words = "Asked on the phone to be texted from now on"
    return Given(Method.SPOKEN, agreed_at=at - timedelta(minutes=4), words=words)


def _says_so(at: datetime, _: str) -> Given:
    return Given(Method.API, (at - timedelta(days=1)).date(), words="Consent to text: yes")


def _keyword(at: datetime, _: str) -> Given:
    return Given(
        Method.KEYWORD,
        agreed_at=at - timedelta(days=5),
        words="JOIN",
        collected_by="The line of the open house",
    )


def _certificate(at: datetime, _: str) -> Given:
    return Given(
        Method.OTHER_SYSTEM,
        (at - timedelta(days=20)).date(),
        words="Certificate of consent from the system that we used before",
        sha256=hashlib.sha256(at.isoformat().encode()).digest(),
        collected_by="Previous texting system",
    )


def _web(page: str) -> Callable[[datetime, str], Given]:
    def given(at: datetime, college: str) -> Given:
        words = _WORDS.format(college=college)
        return Given(
            Method.WEB_FORM,
            agreed_at=at - timedelta(hours=6),
            words=words,
            page_url=page,
            sha256=hashlib.sha256(f"{page}\n{words}".encode()).digest(),
            ip=f"203.0.113.{at.microsecond % 254 + 1}",
            collected_by="Website",
        )

    return given


def _by_program(tenant: Tenant, teams: list[Team], numbers: Iterator[str], chance: random.Random) -> None:
    """People whom another system added some weeks ago."""
    rows: list[dict[str, Any]] = []
    for index in range(3 * _FROM_PROGRAM):
        first, last = people.name(chance)
        names = {"tenant_id": tenant.id, "first_name": first, "last_name": last}
        rows.append(names | {"external_id": f"A{index + 70411}", "number": next(numbers)})
    ids = db.session.scalars(insert(Contact).returning(Contact.id, sort_by_parameter_order=True), rows)
    now = datetime.now(UTC)
    record_changes(
        [
            Change(
                *(contact_id, teams[0].id, Status.OPTED_IN, Source.API),
                actor=_PROGRAM,
                at=now - timedelta(days=chance.uniform(3, 70)),
            )
            for contact_id in ids
        ]
    )
