"""Who wants it is mailed that texts have waited for 15 minutes, at most once an hour, with how many where."""

from __future__ import annotations

from cadence_app.alerts import jobs
from cadence_app.messaging.models import Message
from tests.alerts.telling import age, assign, mails
from tests.world import Browser, World, new_number


def choose(world: World, **choices: str) -> Browser:
    browser = world.sign_in("agent")
    assert browser.post("/account/notifications", choices or {"waiting": "y"}).status_code == 302
    return browser


def minutes_later(world: World, minutes: int) -> list[str]:
    """The subjects of all such mails by then."""
    age(world, Message, minutes=minutes)
    with world.app.app_context():
        jobs.sweep_waiting_mails()
    return [mail.subject.removesuffix(f" ({world.name})") for mail in mails(world)]


def test_a_text_that_nobody_opened_in_15_minutes_is_mailed_once(world: World) -> None:
    choose(world)
    world.text(new_number(), "Is anybody there?")
    assert minutes_later(world, 14) == []
    assert minutes_later(world, 2) == ["1 text has waited over 15 minutes"]
    (mail,) = mails(world)
    assert "Front desk: 1" in mail.text
    assert "anybody" not in mail.text + mail.html
    assert len(minutes_later(world, 10)) == 1
    assert len(minutes_later(world, 90)) == 1


def test_nobody_has_such_mails_who_did_not_choose_them(world: World) -> None:
    choose(world, mentions="y", assignments="y")
    world.text(new_number(), "Is anybody there?")
    assert minutes_later(world, 20) == []


def test_eight_hundred_answers_are_one_mail_an_hour(world: World) -> None:
    choose(world)
    for _ in range(12):
        world.text(new_number(), "Answer")
    assert minutes_later(world, 16) == ["12 texts have waited over 15 minutes"]
    for _ in range(5):
        world.text(new_number(), "Answer")
    assert len(minutes_later(world, 20)) == 1
    assert minutes_later(world, 45)[1:] == ["5 texts have waited over 15 minutes"]


def test_it_counts_by_inbox_what_is_theirs_or_nobodys_and_not_opened(world: World) -> None:
    choose(world)
    world.text(new_number(), "One")
    opened = world.text(new_number(), "Two").conversation_id
    elsewhere = world.text(new_number(), "Three").conversation_id
    assign(world, elsewhere, world.admin_id)
    world.text(new_number(), "Four", inbox=world.personal)
    world.text(new_number(), "Five", inbox=world.other_shared)
    world.text(new_number(), "STOP")
    world.sign_in("admin").get(f"/messages/conversations/{opened}")
    assert minutes_later(world, 16) == ["2 texts have waited over 15 minutes"]
    text = mails(world)[0].text
    assert "Agent: 1" in text
    assert "Front desk: 1" in text
    assert "Aid line" not in text


def test_what_came_before_it_was_chosen_is_not_mailed_and_off_is_off(world: World) -> None:
    world.text(new_number(), "Before")
    age(world, Message, minutes=20)
    agent = choose(world)
    assert minutes_later(world, 5) == []
    world.text(new_number(), "After")
    agent.post("/account/notifications", {})
    assert minutes_later(world, 30) == []


def test_another_organisations_texts_are_not_counted(world: World, legacy_world: World) -> None:
    choose(world)
    legacy_world.text(new_number(), "Hello")
    age(legacy_world, Message, minutes=30)
    assert minutes_later(world, 30) == []
    assert mails(legacy_world) == []
