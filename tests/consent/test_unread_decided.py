"""A text that could not be read, and that an admin decided was an opt out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent import by_user as consent
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers import unread
from cadence_app.messaging.carriers.models import UnreadPost
from cadence_app.messaging.inbound import receive_text
from tests.consent.numbers import WORDS, opt_in, start_out, unread_post
from tests.records.people import IN, OUT, text_at
from tests.world import World, new_number


@pytest.mark.parametrize("words", [WORDS, ""])
def test_an_admins_decision_about_a_text_that_could_not_be_read_stays_with_the_number(
    world: World, words: str
) -> None:
    contact_id, number = _known(world)
    _decide_unread(world, unread_post(world, words), number)
    assert world.status(contact_id) == OUT
    with pytest.raises(consent.ReasonRequired):
        opt_in(world, contact_id)
    text_at(world, contact_id, new_number())
    again = start_out(world, number)
    world.text(number, "START")
    assert world.status(again) == IN


def test_start_that_was_sent_before_such_a_text_does_not_lift_it(world: World) -> None:
    contact_id, number = _known(world)
    _decide_unread(world, unread_post(world, WORDS), number)
    with world.app.app_context():
        earlier = datetime.now(UTC) - timedelta(days=9)
        receive_text(world.shared, number, "START", f"late {number}", earlier)
    assert world.status(contact_id) == OUT
    text_at(world, contact_id, new_number())
    start_out(world, number)


def _known(world: World) -> tuple[int, str]:
    number = new_number()
    return world.contact_id_of(world.text(number, "hi").conversation_id), number


def _decide_unread(world: World, post_id: int, number: str) -> None:
    with world.session():
        admin, post = db.session.get_one(User, world.admin_id), db.session.get_one(UnreadPost, post_id)
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        unread.opt_out(admin, post, number, inbox, "")
