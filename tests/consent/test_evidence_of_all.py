"""What everybody's consents rest on, found at once, is what each of them rests on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent import by_user, evidence, evidence_basis
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_basis import bases_of
from cadence_app.consent.evidence_models import Method, Way
from cadence_app.consent.evidence_of_all import OWN_TEXT, at_once, grounds
from cadence_app.consent.merge_and_number_change import number_changed
from cadence_app.consent.models import Consent, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from tests import sizes
from tests.records.people import merge
from tests.world import World, make_world, new_number

_SOME_METHODS = st.sampled_from([Method.PAPER, Method.WEB_FORM, Method.SPOKEN])
# Days from now on which they agreed; none is not known.
_DAYS = st.one_of(st.none(), st.integers(-2, 2))
_acts = st.one_of(
    st.tuples(st.just("text"), st.sampled_from(["Hello there", "STOP", "START", "STOPALL"]), st.booleans()),
    st.tuples(st.just("set"), st.sampled_from(list(Status)), st.booleans()),
    st.tuples(st.just("evidence"), _SOME_METHODS, _DAYS, st.booleans()),
    st.tuples(st.just("number"), _SOME_METHODS, _DAYS, st.booleans()),
)
_lives = st.lists(st.tuples(st.integers(0, 1), _acts), min_size=1, max_size=12)


def _act(world: World, numbers: list[str], who: int, act: tuple[Any, ...]) -> None:
    contact_id = world.contact_id(numbers[who])
    if act[0] == "text":
        world.text(numbers[who], act[1], world.other_shared if act[2] else world.shared)
        return
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        if act[0] == "set":
            team_id = world.other_team_id if act[2] else world.team_id
            if by_user.consent_of(contact_id, team_id):
                by_user.set_by_user(admin, contact_id, team_id, act[1], "They said so.")
        else:
            kind, method, day, instant = act
            at = None if day is None else datetime.now(UTC) + timedelta(days=day)
            how = Given(method, agreed_at=at) if instant else Given(method, at.date() if at else None)
            if kind == "evidence":
                evidence.record([(contact_id, world.team_id)], how, Way.RECORD, admin)
            else:
                _change_number(admin, contact_id, how)
        db.session.commit()


def _change_number(admin: User, contact_id: int, how: Given) -> None:
    """With what comes of it for consent; the phone that texts stays the same for the rest of the life."""
    lock_contacts([contact_id], for_new_numbers=True)
    before = db.session.get_one(Contact, contact_id).number
    number_changed(admin, contact_id, before, "They said so.")
    teams = [team.id for team in admin.teams]
    opted_in = select(Consent.team_id).where(
        Consent.contact_id == contact_id, Consent.status == Status.OPTED_IN, Consent.team_id.in_(teams)
    )
    again = [(contact_id, team_id) for team_id in db.session.scalars(opted_in)]
    evidence.record(again, how, Way.NUMBER_CHANGE, admin)


def _one_by_one() -> dict[tuple[int, int], str | None]:
    found: dict[tuple[int, int], str | None] = {}
    opted_in = select(Consent.contact_id, Consent.team_id).where(Consent.status == Status.OPTED_IN)
    for contact_id, team_id in db.session.execute(opted_in):
        basis = bases_of(contact_id, [team_id])[team_id]
        first = str(basis.evidence[0].method) if basis.evidence else None
        found[contact_id, team_id] = OWN_TEXT if basis.text else first
    return found


@pytest.mark.sized
@settings(max_examples=sizes.size(8, 100), deadline=None)
@given(_lives, st.booleans())
def test_all_at_once_finds_what_each_consent_rests_on(app: Flask, life: Any, merged: bool) -> None:
    # One of its own for each, or it would go through those of all lives before.
    world = make_world(app, "teams")
    numbers = [new_number(), new_number()]
    for number in numbers:
        world.text(number, "Good morning")
    for who, act in life:
        _act(world, numbers, who, act)
    if merged:
        merge(world, *(world.contact_id(number) for number in numbers))
    with world.session(), at_once():
        rows = db.session.execute(select(grounds())).all()
        one_by_one = _one_by_one()
        assert {(row.contact_id, row.team_id): row.ground for row in rows} == one_by_one
        assert len(rows) == len(one_by_one)
        of_team = grounds([world.team_id])
        theirs = {row.contact_id: row.ground for row in db.session.execute(select(of_team))}
        assert theirs == {row.contact_id: row.ground for row in rows if row.team_id == world.team_id}
        unproven = select(Consent.contact_id, Consent.team_id).where(
            Consent.status == Status.OPTED_IN, ~evidence_basis.rests_on_evidence()
        )
        none = {tuple(row) for row in db.session.execute(unproven)}
        assert none == {(row.contact_id, row.team_id) for row in rows if row.ground is None}
