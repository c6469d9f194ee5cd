"""Numbers that stopped and go from one person to another: what their phones said, and who gets them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from cadence_app.accounts.models import Team, User
from cadence_app.consent import by_user as consent
from cadence_app.consent.models import NumberStop
from cadence_app.contacts import service
from cadence_app.extensions import db
from cadence_app.messaging.carriers.models import CarrierAccount, UnreadPost
from cadence_app.messaging.providers.base import KeywordAnswers
from tests.records.people import IN, OUT, text_at
from tests.world import World, new_number

AGREED = "She signed form 12 at the desk."
WORDS = "please stop texting me"
ASKED = "An earlier holder of this number asked to stop on "


def add_by_hand(world: World, number: str, team_id: int | None = None) -> int:
    """A new person of a team whom an admin adds with a number; the contact's id."""
    with world.session():
        user = db.session.get_one(User, world.admin_id)
        team = db.session.get_one(Team, team_id or world.team_id)
        return service.add_contact(user, team, number, "Nora", "New", "").id


def stopped_and_left(world: World, word: str = "STOP", inbox: str | None = None) -> str:
    """A number that texted a word and is nobody's any more: an agent corrected their record."""
    number = new_number()
    contact_id = world.contact_id_of(world.text(number, "hi", inbox).conversation_id)
    world.text(number, word, inbox)
    text_at(world, contact_id, new_number())
    return number


def opt_in(world: World, contact_id: int, reason: str = "", team_id: int | None = None) -> None:
    with world.session():
        user = db.session.get_one(User, world.admin_id)
        consent.set_by_user(user, contact_id, team_id or world.team_id, IN, reason)
        db.session.commit()


def flagged(world: World) -> tuple[int, str]:
    """Somebody who is opted in, whose words wait for a person; and the number they are texted at."""
    number = new_number()
    contact_id = world.contact_id_of(world.text(number, "hi").conversation_id)
    world.text(number, WORDS)
    assert world.status(contact_id) == IN
    return contact_id, number


def decide(world: World, contact_id: int, team_id: int | None = None) -> None:
    """A user's decision that the words were an opt out."""
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        consent.set_by_user(user, contact_id, team_id or world.team_id, OUT)
        db.session.commit()


def stops(world: World) -> int:
    """How many stops are kept, of all numbers."""
    with world.session():
        return db.session.scalars(select(func.count()).select_from(NumberStop)).one()


def start_out(world: World, number: str) -> int:
    """Has somebody else added by hand with a number that is nobody's: opted out, and the history says why."""
    contact_id = add_by_hand(world, number)
    (row,) = world.history(contact_id, world.team_id)
    assert (row.status, row.reason[: len(ASKED)]) == (OUT, ASKED)
    return contact_id


def unread_post(world: World, words: str) -> int:
    """A post of which only the words could be read, or nothing; its id."""
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
        now = datetime.now(UTC)
        post = UnreadPost(
            tenant_id=world.tenant_id,
            account_id=account.id,
            event_key="e",
            why="its sender is no telephone number",
            content="{}",
            size=2,
            sha256="",
            sender="SUPPORT",
            recipient="",
            words=words,
            said_at=now - timedelta(days=2),
            due_on=now.date(),
            decision="open",
        )
        db.session.add(post)
        db.session.commit()
        return post.id
