"""Who is told, leaves and signs out at the same moment: each waits for the other one way."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest
from sqlalchemy import text

from cadence_app.accounts import sessions
from cadence_app.accounts.models import User
from cadence_app.alerts import queueing, wording
from cadence_app.alerts.models import NoticeKind, PushNotice
from cadence_app.extensions import db
from cadence_app.messaging import assignments
from tests.alerts.push_service import PushService
from tests.alerts.telling import (
    assign,
    inbox_id,
    on,
    queued,
    send,
    subscriptions,
)
from tests.world import World, new_number


def test_who_leaves_and_what_is_told_them_wait_for_each_other_one_way(
    world: World, service: PushService
) -> None:
    told: list[int] = []
    on(world, service)
    assign(world, world.text(new_number(), "Hello").conversation_id, world.agent_id)
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        sessions.end_all(agent)
        telling = threading.Thread(target=partial(tell_agent, world, told))
        telling.start()
        wait_for_a_lock(world)
        # As leaving.deactivate() goes on.
        assignments.release([agent.id])
        db.session.commit()
    telling.join(30)
    assert told == [0]


def tell_agent(world: World, told: list[int]) -> None:
    with world.session():
        told.append(queueing.tell_of_mine(world.agent_id))


def wait_for_a_lock(world: World) -> None:
    """Until another session waits for one."""
    with world.app.app_context():
        until = time.monotonic() + 10
        while not db.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert time.monotonic() < until
            time.sleep(0.01)


def test_who_signs_out_and_what_is_not_told_any_more_wait_for_each_other_one_way(
    world: World, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, browser = on(world, service)
    (row,), inbox = subscriptions(world), inbox_id(world, world.shared)
    with world.session():
        for kind, tag in ((NoticeKind.TEXTS, "inbox"), (NoticeKind.FOR_ME, "for-me")):
            where = inbox if kind == NoticeKind.TEXTS else None
            queueing.put_one(row.id, kind, tag, where)
            db.session.commit()
        # Now it is not the first in its table any more.
        queueing.put_one(row.id, NoticeKind.TEXTS, "inbox", inbox)
        db.session.commit()
    answers: list[int] = []
    leaving_it = threading.Thread(target=lambda: answers.append(browser.post("/logout").status_code))
    asked: list[str] = []

    def said_of(notice: PushNotice) -> None:
        asked.append(notice.tag)
        if len(asked) == 2:
            leaving_it.start()
            wait_for_a_lock(world)

    browser.get("/account/notifications")
    monkeypatch.setattr(wording, "said_of", said_of)
    send(world)
    leaving_it.join(30)
    assert asked == ["inbox", "for-me"]
    assert answers == [302]
    assert queued(world) == []
    assert subscriptions(world) == []
    assert phone.said == []
