"""How many texts wait for a user, and where every page says it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from cadence_app.accounts.models import Role, User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import Conversation
from cadence_app.messaging.unread_count import MOST, in_words, waiting_for
from tests.messaging.live import OpenPage, address, title_of, waiting_in
from tests.world import World, new_number


def count(world: World, user_id: int | None = None) -> int:
    with world.session():
        return waiting_for(db.session.get_one(User, user_id or world.agent_id))


def change(world: World, conversation_id: int, **values: object) -> None:
    with world.session():
        db.session.execute(update(Conversation).where(Conversation.id == conversation_id).values(**values))
        db.session.commit()


def test_each_text_that_nobody_has_opened_counts_until_somebody_does(world: World) -> None:
    number = new_number()
    received = world.text(number, "hi")
    world.text(number, "are you there?")
    world.text(new_number(), "hello")
    assert count(world) == 3
    world.sign_in("admin").get(address(received.conversation_id))
    assert count(world) == 1


@pytest.mark.parametrize(
    ("whose", "counts"),
    [
        ("nobody's", True),
        ("mine", True),
        ("a colleague's", False),
        ("in a closed inbox", False),
        ("of somebody who is gone", False),
        ("of another team", False),
        ("in my own inbox", True),
        ("in a colleague's own inbox", False),
    ],
)
def test_what_is_mine_or_nobodys_counts(world: World, whose: str, counts: bool) -> None:
    inboxes = {
        "of another team": world.other_shared,
        "in my own inbox": world.personal,
        "in a colleague's own inbox": world.other_personal,
    }
    received = world.text(new_number(), "hi", inboxes.get(whose))
    if whose == "mine":
        change(world, received.conversation_id, assignee_id=world.agent_id)
    elif whose == "a colleague's":
        change(world, received.conversation_id, assignee_id=world.admin_id)
    with world.session():
        if whose == "in a closed inbox":
            closing = update(Inbox).where(Inbox.number == world.shared)
            db.session.execute(closing.values(closed_at=datetime.now(UTC)))
        elif whose == "of somebody who is gone":
            conversation = db.session.get_one(Conversation, received.conversation_id)
            gone = update(Contact).where(Contact.id == conversation.contact_id)
            db.session.execute(gone.values(gone_at=datetime.now(UTC)))
        owner = db.session.query(Inbox.user_id).filter(Inbox.number == world.personal).scalar()
        db.session.commit()
    user_id = owner if "own inbox" in whose else world.agent_id
    assert count(world, user_id) == int(counts)


def test_nothing_waits_for_an_auditor_and_nothing_of_another_organisation(
    world: World, legacy_world: World
) -> None:
    world.text(new_number(), "hi")
    assert count(legacy_world) == 0
    with world.session():
        db.session.get_one(User, world.agent_id).role = Role.AUDITOR
        db.session.commit()
    assert count(world) == 0
    page = world.sign_in("agent").get("/reports/", follow_redirects=True).text
    assert waiting_in(page) is None
    assert "js/live.js" not in page


def test_counting_stops_at_a_hundred(world: World) -> None:
    first, second = world.text(new_number(), "hi"), world.text(new_number(), "hi")
    change(world, first.conversation_id, unread=MOST - 2)
    assert (count(world), in_words(count(world))) == (99, "99")
    change(world, second.conversation_id, unread=2)
    assert (count(world), in_words(count(world))) == (100, "99+")
    change(world, second.conversation_id, unread=2_000)
    assert (count(world), in_words(count(world))) == (100, "99+")
    assert in_words(0) == ""


@pytest.mark.parametrize("mode", ["teams", "legacy"])
@pytest.mark.parametrize("path", ["/messages/?inbox=", "/contacts/", "/campaigns/", "/help/", "/nowhere"])
def test_every_page_says_it_in_title_icon_and_navigation(
    world: World, legacy_world: World, mode: str, path: str
) -> None:
    here = world if mode == "teams" else legacy_world
    agent = here.sign_in("agent")
    none = agent.get(path).text
    assert not title_of(none).startswith("(")
    assert "img/favicon.svg" in _icon(none)
    shown = re.findall(r'<span class="count[^"]*" data-waiting[^>]*>', none)
    # In the bar, in the phone's menu, and on the button of that menu.
    assert len(shown) == 3
    assert all(" hidden" in each for each in shown)
    here.text(new_number(), "hi")
    some = agent.get(path).text
    assert title_of(some) == f"(1) {title_of(none)}"
    assert "img/favicon-waiting.svg" in _icon(some)
    shown = re.findall(r'<span class="count[^"]*" data-waiting([^>]*)><span>1</span>', some)
    assert len(shown) == 3
    assert not any(" hidden" in each for each in shown)
    assert waiting_in(some) == "1"


def _icon(page: str) -> str:
    found = re.search(r'<link rel="icon"[^>]*? href="([^"]+)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize("path", ["/login", "/operator/sign-in", "/nowhere", "/help/"])
def test_a_page_for_nobody_says_nothing_of_it(world: World, path: str) -> None:
    world.text(new_number(), "hi")
    page = world.app.test_client().get(path).text
    assert waiting_in(page) is None
    assert "js/live.js" not in page
    assert "data-waiting" not in page


def test_any_page_learns_how_many_wait_by_itself(world: World) -> None:
    page = OpenPage(world.sign_in("agent"), "/contacts/")
    assert page.ask_unseen().status_code == 204
    received = world.text(new_number(), "hi")
    assert waiting_in(page.ask_unseen().text) == "1"
    assert page.ask_unseen().status_code == 204
    world.sign_in("admin").get(address(received.conversation_id))
    assert waiting_in(page.ask_unseen().text) == ""
