"""Finding contacts by the beginnings of their names and by parts of their numbers."""

from __future__ import annotations

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cadence_app.contacts import searching
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db
from cadence_app.phone_numbers import digits_of
from cadence_app.words import words_in
from tests import sizes
from tests.world import World, make_world

_NAMES = (
    ("Ann", "O'Hara", "S-001"),
    ("", "Öztürk_%", "=7"),
    ("anna maria", "ohara", "X12"),
    ("王", "小明", ""),
)


@pytest.fixture(scope="module")
def people(app: Flask) -> World:
    """A few names, beside the same ones of another organization."""
    places = [make_world(app, "teams") for _ in range(2)]
    for place in places:
        for first, last, external_id in _NAMES:
            place.add_contact(first_name=first, last_name=last, external_id=external_id)
    return places[0]


@pytest.mark.sized
@settings(
    max_examples=sizes.size(25, 300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(search=st.text("anoöh'rm_%s012 =xAO小王", min_size=1, max_size=6), walked=st.booleans())
def test_each_word_begins_one_of_theirs_or_a_number_holds_the_digits(
    people: World, search: str, walked: bool
) -> None:
    with people.session(), pytest.MonkeyPatch.context() as patch:
        if walked:
            patch.setattr(searching, "_FEW", -1)
        found = set(db.session.scalars(searching.narrowed_by_name(select(Contact), search)))
        same = set(db.session.scalars(select(Contact).where(searching.matches(search))))
        wanted, digits = set(), digits_of(search)
        for each in db.session.scalars(select(Contact)):
            theirs = words_in(f"{each.first_name} {each.last_name} {each.external_id}")
            asked = words_in(search)
            named = asked and all(any(word.startswith(one) for word in theirs) for one in asked)
            if named or (len(digits) > 2 and digits in each.number):
                wanted.add(each)
    assert found == same == wanted


def test_the_last_four_digits_find_somebody_however_the_number_is_written(people: World) -> None:
    with people.session():
        contact = db.session.scalars(select(Contact).limit(1)).one()
        for part in (contact.number[-4:], f"({contact.number[2:5]}) {contact.number[5:8]}"):
            assert contact in db.session.scalars(select(Contact).where(searching.matches(part))).all()


def test_who_has_several_numbers_with_the_digits_hides_nobody(app: Flask) -> None:
    world = make_world(app, "teams")
    for at in range(6):
        contact_id = world.add_contact(f"+1212867010{at}")
        with world.session():
            further = ContactNumber(
                tenant_id=world.tenant_id, contact_id=contact_id, number=f"+1646867020{at}"
            )
            db.session.add(further)
            db.session.commit()
    with world.session(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "_FEW", 8)
        found = set(db.session.scalars(searching.narrowed_by_name(select(Contact), "867-0")))
        assert len(found) == 6
        patch.setattr(searching, "_FEW", 3)
        assert set(db.session.scalars(searching.narrowed_by_name(select(Contact), "867-0"))) == found
