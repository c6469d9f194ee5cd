"""A text that waits to be taken in, or read, when its sender is erased goes with them; as it may be a STOP,
its number starts opted out, theirs by then or not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent.first_status import add_by_user
from cadence_app.consent.models import NumberStop
from cadence_app.extensions import db
from cadence_app.messaging.carriers.models import CarrierAccount, CarrierEvent, UnreadPost
from cadence_app.messaging.providers.base import KeywordAnswers
from tests.records.people import IN, OUT, erase, known, text_at
from tests.world import World, new_number


def _post(world: World, table: Any, **values: Any) -> int:
    with world.session():
        account = CarrierAccount(
            tenant_id=world.tenant_id,
            carrier="twilio",
            name="Line",
            key=f"k{new_number()}",
            keyword_answers=KeywordAnswers.OURS,
            secrets="",
        )
        db.session.add(account)
        db.session.flush()
        post = table(tenant_id=world.tenant_id, account_id=account.id, event_key="e", **values)
        db.session.add(post)
        db.session.commit()
        return int(post.id)


def _waits(world: World, number: str, words: str = "STOP") -> int:
    return _post(world, CarrierEvent, content={"from_number": number, "body": words})


def _unread(world: World, number: str, due: bool = True) -> int:
    now = datetime.now(UTC)
    values = {"why": "", "content": "", "size": 0, "sha256": "", "said_at": now, "sender": number}
    due_on = now.date() if due else None
    return _post(world, UnreadPost, **values, words="STOP", due_on=due_on, decision="open")


def _next_holder(world: World, number: str) -> str | None:
    """The status that whoever is added with the number next starts with."""
    contact_id = world.add_contact(number=number)
    with world.session():
        add_by_user(db.session.get_one(User, world.admin_id), contact_id, world.team_id)
        db.session.commit()
    return world.status(contact_id)


@pytest.mark.parametrize("wait", [_waits, _unread])
def test_a_number_that_they_had_no_more_keeps_the_stop_that_waited(world: World, wait: Any) -> None:
    number = new_number()
    contact_id = known(world, number=number)
    text_at(world, contact_id, new_number())
    post_id = wait(world, number)
    erase(world, contact_id)
    with world.session():
        left = db.session.get(CarrierEvent if wait is _waits else UnreadPost, post_id)
        assert left is None or isinstance(left, CarrierEvent)
        assert left is None or (left.content, left.next_attempt_at) == ({}, None)
    assert _next_holder(world, number) == OUT


def test_a_number_of_which_nothing_waits_is_as_anybodys(world: World) -> None:
    number, quiet = new_number(), new_number()
    contact_id = known(world, number=number)
    text_at(world, contact_id, quiet)
    text_at(world, contact_id, new_number())
    _unread(world, quiet, due=False)
    erase(world, contact_id)
    with world.session():
        stops = db.session.scalars(select(NumberStop)).all()
    assert len(stops) == 1
    assert _next_holder(world, number) == IN
    assert _next_holder(world, quiet) == IN
