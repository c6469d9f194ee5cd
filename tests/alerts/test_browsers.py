"""A browser is told for as long as its user is signed in there and may be told, by a push service only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, update

from cadence_app.accounts import passwords
from cadence_app.accounts.models import Team, Tenant, User
from cadence_app.administration import leaving, people, teams
from cadence_app.alerts import jobs
from cadence_app.alerts.models import PushNotice
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from tests.alerts.push_service import PushService
from tests.alerts.telling import (
    allow_names,
    inbox_id,
    let_pass,
    mailed,
    mails,
    note,
    on,
    queued,
    send,
    subscriptions,
    sweep,
    tell,
)
from tests.world import PASSWORD, Browser, World, new_number


def deactivate(world: World) -> None:
    with world.session():
        admin, agent = (db.session.get_one(User, each) for each in (world.admin_id, world.agent_id))
        leaving.deactivate(admin, agent, {inbox_id(world, world.personal): admin})
        db.session.commit()


def sign_out(world: World, browser: Browser) -> None:
    browser.post("/logout")


def sign_out_everywhere(world: World, browser: Browser) -> None:
    world.sign_in("agent").post("/account/sessions/end-all")


def reset_password(world: World, browser: Browser) -> None:
    with world.session():
        passwords.reset(db.session.get_one(User, world.agent_id), "another horse battery staple")
        db.session.commit()


def leave(world: World, browser: Browser) -> None:
    with world.session():
        admin, agent = (db.session.get_one(User, each) for each in (world.admin_id, world.agent_id))
        leaving.take_away(admin, agent)
        db.session.commit()


@pytest.mark.parametrize("end", [sign_out, sign_out_everywhere, reset_password, leave])
def test_it_ends_with_the_session_in_whatever_way_that_ends(
    end: object, world: World, service: PushService
) -> None:
    phone, browser = on(world, service)
    world.text(new_number(), "Hello")
    with world.app.app_context():
        jobs.sweep_text_notices()
    assert len(queued(world)) == 1
    end(world, browser)  # type: ignore[operator]
    assert subscriptions(world) == []
    assert queued(world) == []
    send(world)
    tell(world)
    assert phone.said == []


def test_a_new_password_ends_it_in_other_browsers_and_not_in_this_one(
    world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    mine, here = on(world, service)
    new = "another horse battery staple"
    here.get("/account/password")
    assert (
        here.post("/account/password", {"current": PASSWORD, "password": new, "again": new}).status_code < 400
    )
    tell(world)
    assert (len(phone.said), len(mine.said)) == (0, 1)


def test_who_is_deactivated_while_a_notice_is_on_the_wire_gets_none_after_it(
    world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    done = threading.Event()

    def answer() -> tuple[int, dict[str, str]]:
        deactivate(world)
        done.set()
        return 201, {}

    phone.answer = answer
    tell(world)
    assert done.is_set()
    assert subscriptions(world) == []
    phone.answer = lambda: (201, {})
    tell(world)
    assert len(phone.said) == 1


def edit_out(world: World) -> None:
    with world.session():
        admin, agent = (db.session.get_one(User, each) for each in (world.admin_id, world.agent_id))
        left = [team for team in agent.teams if team.id != world.team_id]
        people.edit(admin, agent, agent.name, agent.role, left, None)
        db.session.commit()


def put_out(world: World) -> None:
    with world.session():
        admin, team = db.session.get_one(User, world.admin_id), db.session.get_one(Team, world.team_id)
        teams.set_members(admin, team, [])
        db.session.commit()


@pytest.mark.parametrize("leave", [edit_out, put_out])
def test_a_mail_that_waits_is_taken_back_from_who_leaves_the_team(
    world: World, leave: Callable[[World], None]
) -> None:
    """It may say what a colleague wrote there, and a mail server may be away for hours."""
    with world.session():
        db.session.execute(update(Inbox).where(Inbox.number == world.personal).values(closed_at=func.now()))
        db.session.execute(
            update(Inbox).where(Inbox.number == world.other_personal).values(closed_at=func.now())
        )
        db.session.commit()
    allow_names(world)
    note(world, world.text(new_number(), "Hello").conversation_id, "@Agent Person: her mother rang")
    mailed(world)
    assert "her mother rang" in mails(world)[0].text
    leave(world)
    (mail,) = mails(world)
    assert (mail.next_attempt_at, mail.text, mail.html) == (None, "", "")


def test_a_mail_that_waits_is_taken_back_from_who_is_deactivated(world: World) -> None:
    note(world, world.text(new_number(), "Hello").conversation_id, "@Agent Person please")
    mailed(world)
    deactivate(world)
    (mail,) = mails(world)
    assert (mail.next_attempt_at, mail.text) == (None, "")


def test_who_was_mentioned_and_is_deactivated_has_no_mail(world: World) -> None:
    note(world, world.text(new_number(), "Hello").conversation_id, "@Agent Person please")
    deactivate(world)
    assert mailed(world) == []


def test_a_suspended_organisation_tells_nobody(world: World, service: PushService) -> None:
    phone, _ = on(world, service)
    with world.session():
        now = datetime.now(UTC)
        db.session.execute(update(Tenant).where(Tenant.id == world.tenant_id).values(suspended_at=now))
        db.session.commit()
    tell(world)
    assert phone.said == []
    assert queued(world) == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_the_service_does_not_know_any_more_ends(
    status: int, world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    phone.answer = lambda: (status, {})
    tell(world)
    assert subscriptions(world) == []


@pytest.mark.parametrize(("status", "asked"), [(429, 300), (500, 0), (503, 0)])
def test_a_service_that_is_busy_is_tried_again_and_left_alone_for_as_long_as_it_asks(
    status: int, asked: int, world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    phone.answer = lambda: (status, {"retry-after": str(asked)})
    tell(world)
    (notice,) = queued(world)
    assert notice.attempts == 1
    waits = notice.next_attempt_at - datetime.now(UTC)
    assert timedelta(seconds=max(asked, 20) - 5) < waits < timedelta(seconds=max(asked, 40) + 5)
    phone.answer = lambda: (201, {})
    send(world)
    assert phone.said == []
    let_pass(world, PushNotice)
    send(world)
    assert len(phone.said) == 1
    assert queued(world) == []


def test_a_notice_that_is_refused_or_of_no_use_any_more_is_dropped(
    world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    phone.answer = lambda: (400, {})
    tell(world)
    assert queued(world) == []
    phone.answer = lambda: (503, {})
    note(world, world.text(new_number(), "Hello").conversation_id, "@Agent Person please")
    sweep(world)
    with world.session():
        db.session.execute(update(PushNotice).values(useless_after=datetime.now(UTC)))
        db.session.commit()
    let_pass(world, PushNotice)
    phone.answer = lambda: (201, {})
    send(world)
    assert (phone.said, queued(world)) == ([], [])


def test_what_is_queued_while_a_notice_is_on_the_wire_goes_after_it(
    world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    conversation = world.text(new_number(), "Hello").conversation_id

    def answer() -> tuple[int, dict[str, str]]:
        phone.answer = lambda: (201, {})
        note(world, conversation, "@Agent Person and this")
        with world.app.app_context():
            jobs.sweep_for_me_notices()
        return 201, {}

    note(world, conversation, "@Agent Person please")
    phone.answer = answer
    with world.app.app_context():
        jobs.sweep_for_me_notices()
    send(world)
    assert phone.titles == ["You were mentioned in a note in Front desk", "2 things for you"]


def test_who_signs_in_next_in_a_browser_gets_neither_the_notices_nor_their_switch(
    world: World, service: PushService
) -> None:
    phone, _ = on(world, service)
    admin = world.sign_in("admin")
    answer = admin.client.post(
        "/account/notifications/browsers/here",
        json={"endpoint": phone.endpoint},
        headers={"X-CSRFToken": _token(admin)},
    )
    assert answer.get_json() == {"on": False}
    assert subscriptions(world) == []
    tell(world)
    assert phone.said == []


def test_who_signs_in_again_takes_their_notices_along(world: World, service: PushService) -> None:
    phone, _ = on(world, service)
    again = world.sign_in("agent")
    assert phone.post(again, "/here", {"endpoint": phone.endpoint}) == 200
    again.post("/logout")
    assert subscriptions(world) == []


def test_one_is_turned_off_by_its_user_alone_and_tried_out_by_them(
    world: World, legacy_world: World, service: PushService
) -> None:
    phone, agent = on(world, service)
    (row,) = subscriptions(world)
    for other in (world.sign_in("admin"), legacy_world.sign_in("admin")):
        other.get("/account/notifications")
        assert other.post(f"/account/notifications/browsers/{row.id}/remove").status_code == 404
        assert phone.post(other, "/test", {"endpoint": phone.endpoint}) == 409
    assert phone.post(agent, "/test", {"endpoint": phone.endpoint}) == 202
    send(world)
    assert phone.titles == ["Notices work here"]
    assert "Last notice" in agent.get("/account/notifications").text
    assert agent.post(f"/account/notifications/browsers/{row.id}/remove").status_code == 302
    assert subscriptions(world) == []
    assert phone.post(agent, "/test", {"endpoint": phone.endpoint}) == 409


def _token(browser: Browser) -> str:
    browser.get("/account/notifications")
    return browser.token
