"""Who opens a conversation that is for them, while a colleague gives it to somebody else."""

from __future__ import annotations

import threading
import time

from sqlalchemy import text

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging import assignments
from cadence_app.messaging.models import Conversation
from tests.alerts.telling import assign
from tests.world import World, new_number


def waits(world: World) -> bool:
    """Whether another session waits for a lock."""
    with world.app.app_context():
        found = db.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        return bool(found)


def test_opening_a_conversation_and_giving_it_away_wait_for_each_other_one_way(world: World) -> None:
    talk = world.text(new_number(), "Hello").conversation_id
    assign(world, talk, world.agent_id)
    browser = world.sign_in("agent")
    answers: list[int] = []
    opening = threading.Thread(
        target=lambda: answers.append(browser.client.get(f"/messages/conversations/{talk}").status_code)
    )
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        # As a text that comes in does, and whoever assigns.
        db.session.get_one(Conversation, talk, with_for_update=True)
        opening.start()
        until = time.monotonic() + 10
        while not waits(world) and time.monotonic() < until:
            time.sleep(0.01)
        assignments.assign(admin, db.session.get_one(Conversation, talk), None, world.agent_id)
        db.session.commit()
    opening.join(30)
    assert answers == [200]
