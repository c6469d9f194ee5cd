"""What becomes of Done and of Undo where records are merged or erased, or colleagues leave."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import update

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation, ConversationState
from tests.messaging.answering import Talk
from tests.messaging.test_done_pages import asking, many, plain, undo
from tests.records.people import merge
from tests.world import World, new_number


def test_what_is_erased_or_of_who_left_stays_out_of_undo(world: World) -> None:
    talk, other = asking(world, 2)
    agent = world.sign_in("agent")
    page = agent.get(many(agent, "done", [talk, other])).text
    with world.session():
        db.session.execute(
            update(Conversation).where(Conversation.id == other.id).values(contact_id=_gone(world))
        )
        db.session.commit()
    assert "1 put back; 1 left" in plain(undo(agent, page))


def _gone(world: World) -> int:
    contact_id = world.add_contact(new_number())
    user = db.session.get_one(User, world.admin_id)
    assert user
    contacts = db.metadata.tables["contacts"]
    db.session.execute(update(contacts).where(contacts.c.id == contact_id).values(gone_at=datetime.now(UTC)))
    return contact_id


def test_two_records_that_become_one_are_open_if_either_is_and_wait_since_the_earlier(world: World) -> None:
    kept, gone = Talk(world), Talk(world, new_number())
    gone.comes("first")
    kept.comes("second")
    since = gone.row().waiting_since
    kept.done()
    merge(world, world.contact_id(kept.number), world.contact_id(gone.number))
    row = kept.row()
    assert (row.state, row.waiting_since) == (ConversationState.OPEN, since)
