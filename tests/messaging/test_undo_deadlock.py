"""Undo of a held text and what bars the same person: neither waits for the other in a circle."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cadence_app.accounts.models import User
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.extensions import db
from cadence_app.messaging import drafts, undo
from cadence_app.messaging.carriers.scopes import note_block
from cadence_app.messaging.models import Conversation
from tests.messaging.undoing import give_undo, press
from tests.world import World, new_number


def test_undo_and_a_block_of_the_carrier(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    number = new_number()
    talk = world.text(number, "hi").conversation_id
    contact_id = world.contact_id(number)
    give_undo(world)
    text = press(world, talk, "hello")
    has_contact, has_text = threading.Event(), threading.Event()
    keep = drafts.keep

    def later(*arguments: object) -> object:
        has_text.set()
        has_contact.wait(2)
        return keep(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(drafts, "keep", later)

    def takes_back() -> str:
        with world.session():
            user = db.session.get_one(User, world.agent_id)
            try:
                undo.take_back(user, db.session.get_one(Conversation, talk), text)
            except undo.TooLate as late:
                return late.why.value
            return "taken back"

    def blocks() -> None:
        with world.session():
            inbox = db.session.get_one(Conversation, talk).inbox
            has_text.wait(1)
            lock_contacts([contact_id])
            has_contact.set()
            note_block(inbox, contact_id, number)
            db.session.commit()

    with ThreadPoolExecutor(2) as pool:
        back, blocked = pool.submit(takes_back), pool.submit(blocks)
        blocked.result(20)
        assert back.result(20) in {"taken back", "gone", "unsent"}
