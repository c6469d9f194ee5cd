"""Two presses at the same moment: one contact, one conversation, and as many texts as were meant."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import func, select

from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation, Message
from tests.messaging.writing_first import conversations_of, inbox_id, newcomer, person, post
from tests.world import Browser, World, new_number


def together(*presses: tuple[Browser, dict[str, Any]]) -> list[int]:
    """The answers' statuses, of forms that are sent at the same time; sorted."""
    start, statuses = threading.Barrier(len(presses), timeout=60), []

    def press(browser: Browser, data: dict[str, Any]) -> None:
        start.wait()
        statuses.append(post(browser, **data).status_code)

    threads = [threading.Thread(target=press, args=each) for each in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


def holders(world: World, number: str) -> int:
    with world.session():
        query = select(func.count()).select_from(Contact).where(Contact.number == number)
        return db.session.scalars(query).one()


def texts_to(world: World, contact_id: int) -> list[str]:
    with world.session():
        query = select(Message.body).join(Conversation, Conversation.id == Message.conversation_id)
        return sorted(db.session.scalars(query.where(Conversation.contact_id == contact_id)))


def test_a_double_click_adds_one_person_and_sends_one_text(world: World) -> None:
    browsers = [world.sign_in("agent") for _ in range(2)]
    for _ in range(8):
        number = new_number()
        assert together(*((each, newcomer(world, number)) for each in browsers)) == [302, 302]
        assert holders(world, number) == 1
        contact_id = world.contact_id(number)
        assert len(conversations_of(world, contact_id)) == 1
        assert texts_to(world, contact_id) == ["Welcome to the college"]
        assert len(world.history(contact_id)) == 1


def test_a_double_click_to_a_known_person_sends_one_text(world: World) -> None:
    browsers = [world.sign_in("agent") for _ in range(2)]
    for _ in range(8):
        contact_id = person(world)
        data = {"to": contact_id, "from": inbox_id(world, world.shared), "once": "x", "body": "Hi"}
        assert together(*((each, data) for each in browsers)) == [302, 302]
        assert len(conversations_of(world, contact_id)) == 1
        assert texts_to(world, contact_id) == ["Hi"]


def test_two_colleagues_who_add_the_same_person_make_one_and_the_later_is_told(world: World) -> None:
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    for _ in range(8):
        number = new_number()
        presses = (agent, newcomer(world, number, once="a")), (admin, newcomer(world, number, once="b"))
        assert together(*presses) == [302, 422]
        assert holders(world, number) == 1
        assert texts_to(world, world.contact_id(number)) == ["Welcome to the college"]


def test_two_colleagues_who_write_to_one_person_write_in_one_conversation(world: World) -> None:
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    for _ in range(8):
        contact_id = person(world)
        data = {"to": contact_id, "from": inbox_id(world, world.shared)}
        presses = (agent, data | {"body": "One", "once": "a"}), (admin, data | {"body": "Two", "once": "b"})
        assert together(*presses) == [302, 302]
        assert len(conversations_of(world, contact_id)) == 1
        assert texts_to(world, contact_id) == ["One", "Two"]
