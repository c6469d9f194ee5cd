"""Many conversations at once, and whoever holds the same people or colleagues: nobody waits in a circle."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from cadence_app.accounts.models import User
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.extensions import db
from cadence_app.messaging import answering_many, assignments, bulk
from cadence_app.messaging.bulk import Seen
from cadence_app.messaging.desk_models import Action
from tests.messaging.answering import Talk
from tests.world import World


def test_bulk_assignment_and_a_colleague_who_leaves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(world)
    talk.comes("hi")
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        bulk.act(user, Action.ASSIGN, [talk.id], Seen({}, datetime.now(UTC)), assignee_id=world.agent_id)
    has_talks, has_user = threading.Event(), threading.Event()
    hold, hold_users = answering_many.hold, assignments._hold_users

    def held(ids: list[int]) -> None:
        hold(ids)
        has_talks.set()
        has_user.wait(2)

    def held_users(ids: list[int], shared: bool) -> None:
        hold_users(ids, shared)
        if not shared:
            has_user.set()

    monkeypatch.setattr(answering_many, "hold", held)
    monkeypatch.setattr(assignments, "_hold_users", held_users)

    def assigns() -> None:
        with world.session():
            user = db.session.get_one(User, world.admin_id)
            bulk.act(user, Action.ASSIGN, [talk.id], Seen({}, datetime.now(UTC)), assignee_id=world.agent_id)

    def leaves() -> None:
        with world.session():
            has_talks.wait(2)
            assignments.release([world.agent_id])
            db.session.commit()

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(assigns), pool.submit(leaves)]:
            each.result(20)


def test_a_tag_for_many_and_a_file_that_changes_a_number(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(world)
    talk.comes("hi")
    contact_id = world.contact_id(talk.number)
    has_talks, has_contact = threading.Event(), threading.Event()
    hold = answering_many.hold

    def held(ids: list[int]) -> None:
        hold(ids)
        has_talks.set()
        has_contact.wait(1)

    def tags() -> None:
        with world.session():
            user = db.session.get_one(User, world.admin_id)
            with monkeypatch.context() as patched:
                patched.setattr(answering_many, "hold", held)
                bulk.act(user, Action.TAG, [talk.id], Seen({}, datetime.now(UTC)), tag="Late")

    def changes() -> None:
        with world.session():
            has_talks.wait(2)
            lock_contacts([contact_id], for_new_numbers=True)
            has_contact.set()
            hold([talk.id])
            db.session.commit()

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(tags), pool.submit(changes)]:
            each.result(20)
