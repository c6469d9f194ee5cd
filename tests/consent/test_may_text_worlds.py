"""Generated people and texts: asked one by one and as a list, everybody meets the same first bar."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ARRAY, BigInteger, Text, case, cast, func, insert, select

from cadence_app.campaigns import recipients
from cadence_app.campaigns.models import Campaign, Recipient
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.consent import may_text
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.may_text import Bar, InboxFacts, Kind, TenantFacts
from cadence_app.consent.models import Block, BlockScope, Consent, Decision, PossibleOptOut, Source, Status
from cadence_app.contacts.models import Contact, NumberToMend
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from tests import sizes
from tests.world import World, new_number

# What is generated: people, and texts to all of them.
HERE, ELSEWHERE, ANY = "here", "elsewhere", ""
BLOCKS = st.tuples(
    st.sampled_from(["personal", "carrier", "carrier of another", "team", "organisation"]),
    st.sampled_from([HERE, ELSEWHERE, ANY]),
)


@dataclass(frozen=True)
class Person:
    """`blocks` are of the number texted (here), a further one or any; `to_mend` one of the first two."""

    status: Status | None
    other_status: Status | None
    old_spelling: bool
    to_mend: str | None
    blocks: frozenset[tuple[str, str]]
    flag: Decision | None
    flag_elsewhere: bool


PEOPLE = st.builds(
    Person,
    status=st.sampled_from([None, *Status]),
    other_status=st.sampled_from([None, *Status]),
    old_spelling=st.sampled_from([False, False, False, True]),
    to_mend=st.sampled_from([None, None, None, HERE, ELSEWHERE]),
    blocks=st.frozensets(BLOCKS, max_size=3),
    flag=st.sampled_from([None, None, Decision.OPEN, Decision.DISMISSED]),
    flag_elsewhere=st.booleans(),
)


@dataclass(frozen=True)
class Sent:
    inbox: str
    closed: bool
    suspended: bool
    kind: Kind
    to: str
    confirms_other: bool


SENT = st.builds(
    Sent,
    inbox=st.sampled_from(["shared", "personal", "toll_free"]),
    closed=st.sampled_from([False, False, False, True]),
    suspended=st.sampled_from([False, False, False, True]),
    kind=st.sampled_from(list(Kind)),
    to=st.sampled_from([HERE, HERE, ELSEWHERE]),
    confirms_other=st.booleans(),
)


def _expected(person: Person, sent: Sent) -> Bar | None:
    """The rule once more, in a person's words rather than the table's."""
    confirms = sent.kind == Kind.CONFIRMATION
    reached = {ANY, sent.to}
    if not confirms and person.status is None:
        return Bar.NOT_IN_TEAM
    if sent.closed:
        return Bar.INBOX_CLOSED
    if sent.suspended and not confirms:
        return Bar.ORGANISATION_SUSPENDED
    if person.to_mend == sent.to or (person.old_spelling and sent.to == HERE):
        return Bar.NUMBER_UNSENDABLE
    if not confirms and person.status == Status.OPTED_OUT:
        return Bar.OPTED_OUT
    if confirms:
        confirmed = person.other_status if sent.confirms_other else person.status
        if confirmed != Status.OPTED_OUT:
            return Bar.OPTED_IN_AGAIN
    barred = {what for what, where in person.blocks if where in reached}
    if sent.inbox == "personal" and not confirms and "personal" in barred:
        return Bar.PERSONAL_OPT_OUT
    if "carrier" in barred:
        return Bar.CARRIER_BLOCK
    if sent.kind in (Kind.AUTOMATED, Kind.ANSWER) and person.flag == Decision.OPEN:
        return Bar.POSSIBLE_OPT_OUT
    return None


@pytest.mark.sized
@settings(
    max_examples=sizes.size(5, 60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(people=st.lists(PEOPLE, min_size=4, max_size=20), sent=SENT)
def test_one_by_one_and_as_a_list_everybody_meets_the_same_first_bar(
    world: World, people: list[Person], sent: Sent
) -> None:
    with world.session():
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == getattr(world, sent.inbox))).one()
        further = [new_number() for _ in people]
        ids = _stored(world, inbox, people, further)
        text = may_text.Text(
            InboxFacts(inbox.id, inbox.team_id, inbox.personal, sent.closed),
            TenantFacts(sent.suspended),
            sent.kind,
            confirms_team_id=world.other_team_id if sent.confirms_other else None,
        )
        numbers: list[str | None] = [*further] if sent.to == ELSEWHERE else [None] * len(people)
        one_by_one = [
            may_text.ask(replace(text, number=number), contact_id).bar
            for contact_id, number in zip(ids, numbers, strict=True)
        ]
        assert one_by_one == [_expected(person, sent) for person in people]
        assert _as_a_list(text, ids, numbers) == one_by_one
        if (sent.kind, sent.to, sent.closed, sent.suspended) == (Kind.AUTOMATED, HERE, False, False):
            assert of_a_campaign(world, inbox, ids) == one_by_one
        db.session.rollback()


def _stored(world: World, inbox: Inbox, people: list[Person], further: list[str]) -> list[int]:
    """Makes these people; commits nothing."""
    numbers = [new_number("+521" if person.old_spelling else "+1") for person in people]
    numbers = [f"+521{each[-10:]}" if each.startswith("+521") else each for each in numbers]
    names = {"tenant_id": world.tenant_id, "first_name": "", "last_name": "", "external_id": ""}
    rows = [names | {"number": number} for number in numbers]
    made = insert(Contact).returning(Contact.id, sort_by_parameter_order=True)
    ids = list(db.session.scalars(made, rows))
    other_inbox = db.session.scalars(select(Inbox.id).where(Inbox.number == world.other_shared)).one()
    changes = []
    for contact_id, person, number, another in zip(ids, people, numbers, further, strict=True):
        at = {HERE: number, ELSEWHERE: another, ANY: ""}
        for team_id, status in ((world.team_id, person.status), (world.other_team_id, person.other_status)):
            if status:
                changes.append(Change(contact_id, team_id, status, Source.IMPORT))
        theirs = {"tenant_id": world.tenant_id, "contact_id": contact_id}
        if person.to_mend:
            db.session.add(NumberToMend(**theirs, number=at[person.to_mend]))
        for what, where in person.blocks:
            db.session.add(Block(**theirs, number=at[where], **_scope(what, world, inbox.id, other_inbox)))
        for team_id, decision in (
            (world.team_id, person.flag),
            (world.other_team_id, Decision.OPEN if person.flag_elsewhere else None),
        ):
            if decision:
                db.session.add(
                    PossibleOptOut(
                        **theirs,
                        team_id=team_id,
                        words="enough of these",
                        received_at=datetime(2026, 11, 2, tzinfo=UTC),
                        due_on=date(2026, 11, 16),
                        decision=decision,
                    )
                )
    db.session.flush()
    record_changes(changes)
    return ids


def _scope(what: str, world: World, inbox_id: int, other_inbox_id: int) -> dict[str, Any]:
    scopes: dict[str, dict[str, Any]] = {
        "personal": {"scope": BlockScope.PERSONAL},
        "carrier": {"scope": BlockScope.CARRIER_NUMBER, "inbox_id": inbox_id},
        "carrier of another": {"scope": BlockScope.CARRIER_NUMBER, "inbox_id": other_inbox_id},
        "team": {"scope": BlockScope.TEAM, "team_id": world.team_id},
        "organisation": {"scope": BlockScope.ORGANISATION},
    }
    return scopes[what]


def _as_a_list(text: may_text.Text, ids: list[int], numbers: list[str | None]) -> list[Bar | None]:
    rows = (
        func.unnest(cast(ids, ARRAY(BigInteger)), cast(numbers, ARRAY(Text)))
        .table_valued("contact_id", "number")
        .render_derived()
    )
    query = select(rows.c.contact_id, func.coalesce(rows.c.number, Contact.number).label("number"))
    listed = query.join(Contact, Contact.id == rows.c.contact_id).cte("listed")
    columns = may_text.columns_of(text, listed.c.contact_id, listed.c.number, Consent.status.expression)
    first = case(*((condition, bar) for bar, condition in may_text.conditions(text, columns)), else_="")
    in_team = (Consent.contact_id == listed.c.contact_id) & (Consent.team_id == text.inbox.team_id)
    found = db.session.execute(select(listed.c.contact_id, first).outerjoin_from(listed, Consent, in_team))
    by_id = {contact_id: Bar(bar) if bar else None for contact_id, bar in found}
    return [by_id[contact_id] for contact_id in ids]


def of_a_campaign(world: World, inbox: Inbox, ids: list[int]) -> list[Bar | None]:
    """What a campaign's list says, which names nobody who is not in the team."""
    campaign = Campaign(
        tenant_id=world.tenant_id,
        team_id=inbox.team_id,
        inbox_id=inbox.id,
        user_id=world.agent_id,
        name="Open day",
        body="Hi",
        segment=Segment(Who.PICKED, contact_ids=tuple(ids)).stored,
    )
    db.session.add(campaign)
    db.session.flush()
    recipients.work_out(campaign)
    # In the order of the ids, as the segment has them.
    query = select(Recipient.reason).where(Recipient.campaign_id == campaign.id).order_by(Recipient.id)
    return [Bar(reason) if reason else None for reason in db.session.scalars(query)]
