"""Undo of "Open again" never puts out of the way what somebody has written since."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging import bulk
from cadence_app.messaging.bulk import Seen
from cadence_app.messaging.desk_models import Action
from cadence_app.messaging.models import ConversationState
from tests.messaging.answering import Talk
from tests.records.people import merge
from tests.world import World


@pytest.mark.parametrize("snoozed", [False, True])
def test_a_text_that_came_since_stays_in_needs_a_reply(world: World, snoozed: bool) -> None:
    talk = Talk(world)
    talk.comes("hi")
    talk.writes("hello")
    if snoozed:
        talk.snooze()
    else:
        talk.done()
    change = talk.reopen()
    assert change
    talk.comes("When is my exam?")
    assert not talk.undo(change)
    row = talk.row()
    assert row.state == ConversationState.OPEN
    assert row.waiting_since is not None


def test_what_a_merge_brought_since_stays_in_needs_a_reply(world: World) -> None:
    kept, gone = Talk(world), Talk(world)
    kept.comes("When is my exam?")
    gone.comes("hi")
    gone.writes("hello")
    gone.done()
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        batch_id = bulk.act(user, Action.REOPEN, [gone.id], Seen({}, datetime.now(UTC))).id
    merge(world, world.contact_id(kept.number), world.contact_id(gone.number))
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        batch = bulk.find(user, batch_id)
        assert batch
        assert bulk.undo(user, batch).put_back == 0
    row = kept.row()
    assert (row.state, row.waiting_since is not None) == (ConversationState.OPEN, True)
