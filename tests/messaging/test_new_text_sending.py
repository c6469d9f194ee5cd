"""A new text to somebody known: how it goes, how often, and what stays of one that may not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from cadence_app.extensions import db
from cadence_app.messaging.models import LaterState, ScheduledText
from cadence_app.messaging.sending import deliver
from tests.messaging.words import opt_out_by_hand
from tests.messaging.writing_first import (
    HTMX,
    conversations_of,
    counts,
    inbox_id,
    once_of,
    options_of,
    person,
    post,
)
from tests.records.people import IN, opt
from tests.world import World, new_number


def test_a_text_to_a_known_person_goes_and_makes_the_conversation(world: World) -> None:
    contact_id = person(world)
    agent = world.sign_in("agent")
    page = agent.get(f"/messages/new?to={contact_id}").text
    assert conversations_of(world, contact_id) == []
    shared = inbox_id(world, world.shared)
    answer = post(agent, to=contact_id, body="Are you coming?", once=once_of(page), **{"from": shared})
    (conversation_id,) = conversations_of(world, contact_id)
    assert answer.status_code == 302
    assert answer.location.startswith(f"/messages/conversations/{conversation_id}?")
    (text,) = world.messages(conversation_id)
    assert (text.body, text.state, text.user_id, text.by_hand) == (
        "Are you coming?",
        "queued",
        world.agent_id,
        True,
    )
    with world.session():
        deliver(text.id)
    assert world.messages(conversation_id)[0].state in ("sent", "delivered")
    thread = agent.get(answer.location).text
    assert "Are you coming?" in thread
    assert "autofocus" in thread


def test_looking_and_choosing_leave_nothing(world: World) -> None:
    contact_id = person(world)
    before = counts(world)
    agent = world.sign_in("agent")
    for path in ("", "?who=maya", f"?to={contact_id}", f"?number=%2B{new_number()[1:]}", "?number="):
        agent.get(f"/messages/new{path}")
    chosen = post(agent, choose=1, number=new_number(), body="Half a text", first_name="Jo")
    assert chosen.status_code == 200
    assert "Half a text" in chosen.text
    assert 'value="Jo"' in chosen.text
    assert counts(world) == before


def test_an_existing_conversation_is_opened_and_reused(world: World) -> None:
    received = world.text(new_number(), "hello")
    contact_id = world.contact_id_of(received.conversation_id)
    agent = world.sign_in("agent")
    answer = agent.get(f"/messages/new?to={contact_id}")
    assert answer.location.startswith(f"/messages/conversations/{received.conversation_id}?")
    shared = inbox_id(world, world.shared)
    page = agent.get(f"/messages/new?to={contact_id}&from={shared}").text
    assert "You have a conversation with them in this inbox" in page
    opened = post(agent, open=1, to=contact_id, body="Half a text", **{"from": shared})
    assert opened.status_code == 200
    assert "Half a text</textarea>" in opened.text
    assert f"/messages/conversations/{received.conversation_id}/send" in opened.text
    post(agent, to=contact_id, body="Whole", **{"from": shared})
    assert conversations_of(world, contact_id) == [received.conversation_id]
    assert [text.body for text in world.messages(received.conversation_id)] == ["hello", "Whole"]


def test_a_text_of_nothing_or_too_much_is_refused_and_kept(world: World) -> None:
    contact_id = person(world)
    agent = world.sign_in("agent")
    shared = inbox_id(world, world.shared)
    assert "Write something first" in post(agent, to=contact_id, body=" ", **{"from": shared}).text
    long = "x" * 1531
    answer = post(agent, to=contact_id, body=long, **{"from": shared})
    assert answer.status_code == 422
    assert long in answer.text
    assert "Choose the inbox to text from" in post(agent, to=contact_id, body="Hi").text
    assert conversations_of(world, contact_id) == []


def test_what_was_pressed_twice_is_one_text_and_other_words_are_another(world: World) -> None:
    contact_id = person(world)
    agent = world.sign_in("agent")
    data = {"to": contact_id, "from": inbox_id(world, world.shared), "once": "one form"}
    first, again = post(agent, body="Hi", **data), post(agent, body="Hi", **data)
    assert first.location == again.location
    (conversation_id,) = conversations_of(world, contact_id)
    assert [text.body for text in world.messages(conversation_id)] == ["Hi"]
    # Back in the browser, and something else is written.
    post(agent, body="Hello", **data)
    # Another form says the same again, and so may a colleague.
    post(agent, body="Hi", **data | {"once": "another form"})
    post(world.sign_in("admin"), body="Hi", **data)
    assert [text.body for text in world.messages(conversation_id)] == ["Hi", "Hello", "Hi", "Hi"]


def test_a_text_is_set_for_later_and_a_cancelled_one_leaves_nothing_in_the_list(world: World) -> None:
    contact_id = person(world, first_name="Ines", last_name="Okafor")
    agent = world.sign_in("agent")
    when = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    data = {"to": contact_id, "from": inbox_id(world, world.shared), "later": 1, "body": "See you"}
    missing = post(agent, **data)
    assert missing.status_code == 422
    assert "Enter a day and a time" in missing.text
    assert conversations_of(world, contact_id) == []
    answer = post(agent, send_at=when, **data)
    assert post(agent, send_at=when, **data).location == answer.location
    (conversation_id,) = conversations_of(world, contact_id)
    with world.session():
        (text,) = db.session.scalars(select(ScheduledText)).all()
        assert (text.state, text.body) == (LaterState.WAITING, "See you")
        text_id = text.id
    assert f'id="convo-{conversation_id}"' in agent.get("/messages/?inbox=&only=all").text
    agent.post(f"/messages/conversations/{conversation_id}/later/{text_id}/cancel")
    assert f'id="convo-{conversation_id}"' not in agent.get("/messages/?inbox=&only=all").text
    assert f"/messages/conversations/{conversation_id}" not in agent.get(f"/contacts/{contact_id}").text


def test_the_reason_is_shown_as_one_chooses_and_nothing_is_kept(world: World) -> None:
    contact_id = person(world)
    agent = world.sign_in("agent")
    shared = inbox_id(world, world.shared)
    opt_out_by_hand(world, contact_id)
    page = agent.get(f"/messages/new?to={contact_id}").text
    assert "The contact is opted out of Admissions." in page
    assert "(opted out)" in page
    answer = post(agent, to=contact_id, body="Please read", **{"from": shared})
    assert answer.status_code == 409
    assert "Nothing was sent." in answer.text
    assert "Please read</textarea>" in answer.text
    assert conversations_of(world, contact_id) == []


def test_no_other_team_is_proposed_for_who_stopped_theirs(world: World) -> None:
    contact_id = person(world)
    opt_out_by_hand(world, contact_id)
    admin = world.sign_in("admin")
    for path in ("", f"&inbox={inbox_id(world, world.other_shared)}"):
        page = admin.get(f"/messages/new?to={contact_id}{path}").text
        assert "The contact is opted out of Admissions." in page
        (chosen,) = [each for each in options_of(page) if each.startswith("*")]
        assert chosen in ("*Front desk", "*Toll-free")
    assert world.status(contact_id, world.other_team_id) is None


def test_opting_in_beside_the_text_lets_it_go(world: World) -> None:
    number = new_number()
    for words in ("hello", "STOP"):
        world.text(number, words, world.toll_free)
    contact_id = world.contact_id(number)
    agent = world.sign_in("agent")
    shared = inbox_id(world, world.shared)
    path = f"/messages/new/{contact_id}/teams/{world.team_id}/consent?from={shared}"
    refused = agent.post(path, {"status": "opted_in"}, headers=HTMX)
    assert refused.status_code == 422
    assert "Write how this person gave consent again" in refused.text
    agreed = {"status": "opted_in", "reason": "Signed a form today", "words": "Signed a form today"}
    answer = agent.post(path, agreed, headers=HTMX)
    assert answer.status_code == 200
    assert answer.headers["HX-Retarget"] == "#new-text"
    assert world.status(contact_id) == "opted_in"
    assert post(agent, to=contact_id, body="Welcome", **{"from": shared}).status_code == 302
    assert agent.post(path.replace(f"/{world.team_id}/", f"/{world.other_team_id}/")).status_code == 404


def test_a_stop_to_a_personal_inbox_bars_personal_inboxes_alone(world: World) -> None:
    number = new_number()
    world.text(number, "hello", world.personal)
    world.text(number, "STOP", world.personal)
    contact_id = world.contact_id(number)
    opt(world, contact_id, IN)
    agent = world.sign_in("agent")
    personal = inbox_id(world, world.personal)
    barred = agent.get(f"/messages/new?to={contact_id}&from={personal}").text
    assert "no personal inbox may text them" in barred
    chosen = [each for each in options_of(agent.get(f"/messages/new?to={contact_id}").text) if "*" in each]
    assert chosen == ["*Front desk"]


def test_a_text_of_an_existing_conversation_that_may_not_go_is_kept_in_it(world: World) -> None:
    received = world.text(new_number(), "hello")
    contact_id = world.contact_id_of(received.conversation_id)
    opt_out_by_hand(world, contact_id)
    shared = inbox_id(world, world.shared)
    answer = post(world.sign_in("agent"), to=contact_id, body="Hi", once="a", **{"from": shared})
    assert answer.status_code == 409
    assert world.messages(received.conversation_id)[-1].state == "suppressed"
    opt(world, contact_id, IN)
    # The same form again, now that it may go.
    again = post(world.sign_in("agent"), to=contact_id, body="Hi", once="a", **{"from": shared})
    assert again.status_code == 302
    assert world.messages(received.conversation_id)[-1].state == "queued"
