"""New texts are told to the browsers of those whose they are to read, in few notices that name nobody."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text, update

from cadence_app.accounts.models import SecondFactorPolicy, Tenant, User
from cadence_app.accounts.sign_in_models import Method, SignInSession
from cadence_app.alerts import jobs
from cadence_app.alerts.models import InboxNotice
from cadence_app.extensions import db
from tests.alerts.push_service import PushService
from tests.alerts.telling import allow_names, assign, inbox_id, let_pass, queued, send, sweep
from tests.queues import waits
from tests.world import World, new_number


@pytest.mark.parametrize("mode", ["world", "legacy_world"])
def test_a_new_text_is_told_once_with_the_inbox_and_nothing_else(
    mode: str, service: PushService, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(mode)
    phone = service.phone()
    phone.turn_on(world.sign_in("agent"))
    contact = world.add_contact(number := new_number())
    conversation = world.text(number, "Is my transcript there? It is about my grade.").conversation_id
    sweep(world)
    (said,) = phone.said
    path = f"/messages/conversations/{conversation}"
    tag = f"inbox-{inbox_id(world, world.shared)}"
    assert said == {"title": "New text in Front desk", "body": "", "tag": tag, "path": path}
    assert contact
    let_pass(world, InboxNotice)
    sweep(world)
    assert len(phone.said) == 1


def test_what_is_sent_says_how_long_it_is_of_use_and_who_sends_it(world: World, service: PushService) -> None:
    phone = service.phone()
    phone.turn_on(world.sign_in("agent"))
    world.text(new_number(), "Hello")
    sweep(world)
    (headers,) = phone.headers
    assert headers["content-encoding"] == "aes128gcm"
    assert 3500 < int(headers["ttl"]) <= 3600
    assert headers["urgency"] == "normal"
    assert len(headers["topic"]) == 32
    claims = phone.claims(headers["authorization"])
    assert claims["aud"] == service.url
    assert claims["sub"].startswith(("https://", "mailto:"))
    assert datetime.now(UTC).timestamp() < claims["exp"] < datetime.now(UTC).timestamp() + 24 * 3600


def test_a_flood_is_one_notice_a_minute_that_counts(world: World, service: PushService) -> None:
    phone = service.phone()
    phone.turn_on(world.sign_in("agent"))
    world.text(new_number(), "First")
    sweep(world)
    for _ in range(11):
        world.text(new_number(), "Another answer to the campaign")
    sweep(world)
    assert phone.titles == ["New text in Front desk"]
    let_pass(world, InboxNotice)
    sweep(world)
    assert phone.titles == ["New text in Front desk", "12 new texts in Front desk"]
    assert phone.said[0]["tag"] == phone.said[1]["tag"]
    assert phone.said[1]["path"] == f"/messages/?inbox={inbox_id(world, world.shared)}"


def test_only_those_are_told_whose_text_it_is_to_read(world: World, service: PushService) -> None:
    admin, agent = service.phone(), service.phone()
    admin.turn_on(world.sign_in("admin"))
    agent.turn_on(world.sign_in("agent"))
    number = new_number()
    conversation = world.text(number, "Hello").conversation_id
    assign(world, conversation, world.agent_id, by=world.agent_id)
    world.text(new_number(), "To the agent's own number", inbox=world.personal)
    world.text(new_number(), "To another team", inbox=world.other_shared)
    sweep(world)
    assert sorted(agent.titles) == ["New text in Agent", "New text in Front desk"]
    assert admin.titles == ["New text in Aid line"]


def test_what_somebody_opened_meanwhile_is_not_told(world: World, service: PushService) -> None:
    phone, browser = service.phone(), world.sign_in("agent")
    phone.turn_on(browser)
    conversation = world.text(new_number(), "Hello").conversation_id
    with world.app.app_context():
        jobs.sweep_text_notices()
        assert waits("webhooks", f"push-{world.tenant_id}") == 1
    assert len(queued(world)) == 1
    world.sign_in("admin").get(f"/messages/conversations/{conversation}")
    send(world)
    assert phone.said == []
    assert queued(world) == []


def test_a_keyword_that_was_acted_on_is_no_news_but_a_possible_opt_out_is(
    world: World, service: PushService
) -> None:
    phone = service.phone()
    phone.turn_on(world.sign_in("agent"))
    world.text(number := new_number(), "STOP")
    sweep(world)
    assert phone.said == []
    assert world.status(world.contact_id(number)) == "opted_out"
    world.text(new_number(), "please take me off this list")
    sweep(world)
    assert phone.titles == ["New text in Front desk"]


def test_names_and_words_are_told_only_where_the_organisation_allows_it_and_the_session_works(
    world: World, service: PushService
) -> None:
    allow_names(world)
    phone = service.phone()
    phone.turn_on(world.sign_in("agent"))
    world.add_contact(number := new_number())
    world.text(number, "Is my   transcript there?")
    sweep(world)
    assert phone.said[-1]["body"] == "Maya Chen: Is my transcript there?"
    world.text(new_number(), "Me too")
    let_pass(world, InboxNotice)
    sweep(world)
    assert phone.said[-1]["title"] == "2 new texts in Front desk"
    assert "Maya Chen" in phone.said[-1]["body"]
    with world.session():
        long_ago = datetime.now(UTC) - timedelta(days=2)
        db.session.execute(update(SignInSession).values(last_seen_at=long_ago))
        db.session.commit()
    world.text(new_number(), "And me")
    let_pass(world, InboxNotice)
    sweep(world)
    assert phone.said[-1]["title"] == "3 new texts in Front desk"
    assert phone.said[-1]["body"] == ""


def test_a_browser_whose_user_has_yet_to_set_up_a_second_factor_shows_no_names(
    world: World, service: PushService
) -> None:
    """They see no page until then, and no text by another way."""
    allow_names(world)
    phone = service.phone()
    phone.turn_on(world.sign_in("agent"))
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).second_factor = SecondFactorPolicy.EVERYBODY
        db.session.commit()
    number = new_number()
    world.add_contact(number)
    world.text(number, "My results?")
    sweep(world)
    assert [(said["title"], said["body"]) for said in phone.said] == [("New text in Front desk", "")]
    with world.session():
        db.session.execute(update(SignInSession).values(method=Method.SINGLE_SIGN_ON))
        db.session.commit()
    world.text(number, "And when?")
    let_pass(world, InboxNotice)
    sweep(world)
    assert phone.said[-1]["body"] == "Maya Chen: And when?"


def test_long_names_fit_into_what_push_services_take(world: World, service: PushService) -> None:
    allow_names(world)
    phone = service.phone()
    phone.turn_on(world.sign_in("agent"))
    for _ in range(3):
        number = new_number()
        world.add_contact(number, first_name="\U0001f600" * 500, last_name="\U0001f600" * 500)
        world.text(number, "Hello")
    sweep(world)
    assert int(phone.headers[0]["content-length"]) <= 4096


def test_a_long_text_fits_into_what_push_services_take(world: World, service: PushService) -> None:
    allow_names(world)
    phone = service.phone()
    phone.turn_on(world.sign_in("agent"))
    world.text(new_number(), "é" * 1600)
    sweep(world)
    assert len(json.dumps(phone.said[0])) < 3000
    assert phone.said[0]["body"].endswith("…")


def test_taking_a_text_in_writes_nothing_and_waits_for_nothing_of_telling(
    world: World, service: PushService
) -> None:
    """Every table of telling is held by somebody else: a STOP comes in all the same."""
    phone = service.phone()
    phone.turn_on(world.sign_in("agent"))
    tables = "inbox_notices, push_notices, push_subscriptions, push_keys, alert_choices, for_me"
    url = world.app.config["SUPERUSER_URL"].replace("+psycopg", "")
    with psycopg.connect(url) as other:
        other.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
        world.text(number := new_number(), "STOP")
        assert world.status(world.contact_id(number)) == "opted_out"
        other.rollback()


def test_who_may_not_see_an_inbox_any_more_is_not_told_of_it(world: World, service: PushService) -> None:
    phone = service.phone()
    phone.turn_on(world.sign_in("agent"))
    world.text(new_number(), "Hello")
    with world.app.app_context():
        jobs.sweep_text_notices()
    with world.session():
        db.session.get_one(User, world.agent_id).teams = []
        db.session.commit()
    send(world)
    assert phone.said == []
    world.text(new_number(), "Hello again")
    let_pass(world, InboxNotice)
    sweep(world)
    assert phone.said == []


def test_an_inbox_that_became_personal_tells_its_owner_alone(world: World, service: PushService) -> None:
    phone = service.phone()
    phone.turn_on(world.sign_in("agent"))
    world.text(new_number(), "Hello")
    with world.app.app_context():
        jobs.sweep_text_notices()
    with world.session():
        db.session.execute(
            text("UPDATE inboxes SET kind = 'personal', user_id = :admin WHERE number = :number"),
            {"admin": world.admin_id, "number": world.shared},
        )
        db.session.commit()
    send(world)
    assert phone.said == []


def test_another_organisations_texts_are_not_told(
    world: World, legacy_world: World, service: PushService
) -> None:
    phone = service.phone()
    phone.turn_on(world.sign_in("admin"))
    legacy_world.text(new_number(), "Hello")
    sweep(world)
    sweep(legacy_world)
    assert phone.said == []
