"""The organisation's own keywords, and the text that is tried: it must say what really happens."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cadence_app.accounts.models import KeywordPolicy, PossibleOptOutPolicy, Team, Tenant, User
from cadence_app.consent import keywords, own_keywords
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.models import CustomKeyword
from cadence_app.extensions import db
from cadence_app.messaging.keyword_trial import try_text
from cadence_app.messaging.models import Message, MessageState
from tests import sizes
from tests.world import World, make_world, new_number

PAGE = "/settings/keywords/"


def add(world: World, word: str, meaning: Meaning, team_id: int | None = None) -> None:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        team = db.session.get_one(Team, team_id) if team_id else None
        own_keywords.add_keyword(admin, word, meaning, team)
        db.session.commit()


def test_two_teams_words_may_differ_but_a_word_never_means_two_things_in_one(world: World) -> None:
    add(world, "Alto", Meaning.OUT, world.team_id)
    add(world, "Alto", Meaning.IN, world.other_team_id)
    for meaning, team_id, message in (
        (Meaning.IN, world.team_id, "here already"),
        (Meaning.OUT, None, "means something else in Aid"),
    ):
        with pytest.raises(ValueError, match=message):
            add(world, "¡ALTO!", meaning, team_id)
    add(world, "fin", Meaning.OUT)
    with pytest.raises(ValueError, match="whole organization already"):
        add(world, "fin", Meaning.IN, world.team_id)


def test_two_admins_at_once_can_not_give_a_word_two_meanings(world: World) -> None:
    def work(meaning: Meaning, team_id: int | None) -> None:
        try:
            add(world, "basta", meaning, team_id)
        except ValueError:
            return

    threads = [
        threading.Thread(target=work, args=args)
        for args in ((Meaning.OUT, None), (Meaning.IN, world.team_id), (Meaning.OUT, None)) * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with world.session():
        rows = db.session.scalars(select(CustomKeyword)).all()
        assert len({row.meaning for row in rows}) == 1
        assert len({row.team_id for row in rows}) == len(rows)


def test_a_word_of_another_language_is_answered_in_it_and_by_the_team_before_the_organisation(
    world: World,
) -> None:
    admin = world.sign_in("admin")
    answers = {str(world.team_id): "Admisiones: no recibirá más.", "": "Lakeside: no recibirá más mensajes."}
    for place, said_then in answers.items():
        form = {"word": "Alto", "meaning": "out", "team": place, "answer": said_then}
        assert admin.post(PAGE, form).status_code == 302
        assert said_then in admin.get(PAGE).text
    for inbox, said in ((world.shared, answers[str(world.team_id)]), (world.other_shared, answers[""])):
        received = world.text(new_number(), "¡Alto!", inbox)
        assert world.messages(received.conversation_id)[-1].body == said
    with world.session():
        team = db.session.get_one(Team, world.team_id)
        assert try_text(team, "alto", False, False).answer == answers[str(world.team_id)]
        assert "You are opted out" in try_text(team, "stop", False, False).answer
    long = {"word": "basta", "meaning": "out", "team": "", "answer": "x" * 460}
    answer = admin.post(PAGE, long)
    assert answer.status_code == 422
    assert "at most 459 characters" in answer.text


def test_an_admin_adds_a_word_that_then_counts_and_removes_it(world: World) -> None:
    admin = world.sign_in("admin")
    form = {"word": "Alto", "meaning": "out", "team": ""}
    assert admin.post(PAGE, form).status_code == 302
    assert "alto" in admin.get(PAGE).text
    number = new_number()
    world.text(number, "ALTO!")
    assert world.status(world.contact_id(number)) == "opted_out"
    with world.session():
        keyword_id = db.session.scalars(select(CustomKeyword.id)).one()
    assert admin.post(f"{PAGE}{keyword_id}/remove").status_code == 302
    later = new_number()
    world.text(later, "ALTO!")
    assert world.status(world.contact_id(later)) == "opted_in"


def test_a_bad_word_gets_its_message_at_the_field(world: World) -> None:
    admin = world.sign_in("admin")
    for word, message in (
        ("Stop", "Stop is a built-in keyword."),
        ("?!", "A keyword needs letters or digits."),
        ("x" * 41, "at most 40 characters"),
        ("a\x00b", "stored"),
        ("", "Enter a word."),
    ):
        answer = admin.post(PAGE, {"word": word, "meaning": "out", "team": ""})
        assert answer.status_code == 422
        assert message in answer.text
    assert admin.post(PAGE, {"word": "fin", "meaning": "maybe", "team": ""}).status_code == 422
    assert admin.post(PAGE, {"word": "fin", "meaning": "out", "team": "99999999"}).status_code == 422
    with world.session():
        assert db.session.scalars(select(CustomKeyword)).all() == []


def test_only_admins_of_the_tenant_reach_the_page(world: World, legacy_world: World) -> None:
    add(world, "alto", Meaning.OUT)
    with world.session():
        path = f"{PAGE}{db.session.scalars(select(CustomKeyword.id)).one()}/remove"
    assert world.app.test_client().get(PAGE).status_code == 302
    agent, theirs = world.sign_in("agent"), legacy_world.sign_in("admin")
    assert agent.get(PAGE).status_code == agent.post(path).status_code == 403
    assert theirs.post(path).status_code == 404
    assert "alto" not in theirs.get(PAGE).text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("STOP", "Opts out"),
        ("stop by my office", "only a part of the text"),
        ("please stop texting me", "A possible opt out"),
        ("Is the library open?", "nothing in it reads like an opt out"),
        ("yes", "YES opts in only somebody who is opted out"),
        ("info", "Asks for help"),
        ("STOP aid", "Opted out of Aid."),
        ("Liked “Reply STOP to opt out”", "What it quotes is yours"),
        ("STOP 73811", "A possible opt out"),
    ],
)
def test_a_tried_text_says_what_would_happen_and_changes_nothing(world: World, text: str, said: str) -> None:
    answer = world.sign_in("admin").get(PAGE, query_string={"text": text, "to": world.team_id})
    assert answer.status_code == 200
    assert said in answer.text
    with world.session():
        assert db.session.scalars(select(Message.id)).all() == []


def test_a_text_that_can_not_be_tried_is_said_at_the_field(world: World) -> None:
    admin = world.sign_in("admin")
    assert admin.get(PAGE, query_string={"text": "", "to": world.team_id}).status_code == 422
    assert admin.get(PAGE, query_string={"text": "x", "to": "9" * 30}).status_code == 422


def set_policies(world: World, everywhere: bool, at_once: bool) -> None:
    with world.session():
        tenant = db.session.get_one(Tenant, world.tenant_id)
        tenant.keyword_policy = KeywordPolicy.ORGANISATION if everywhere else KeywordPolicy.TEAM
        tenant.possible_opt_out_policy = (
            PossibleOptOutPolicy.OPT_OUT if at_once else PossibleOptOutPolicy.HOLD
        )
        db.session.commit()


@pytest.mark.sized
@settings(max_examples=sizes.size(8, 100), deadline=None)
@given(
    text=st.sampled_from(
        [
            *keywords.OUT_WORDS,
            "Stop!",
            "start",
            "yes",
            "UNSTOP",
            "help",
            "take me off this list",
            "hola",
            "alto",
            "STOP adm",
            "aid, stop",
            "STOP AID and ADM",
            "stop 73811",
            "Liked “Reply STOP to opt out”",
            "Fwd: Reply STOP to opt out. alto",
            "|S\u041eP|",
            "start adm",
        ]
    ),
    stopped=st.booleans(),
    everywhere=st.booleans(),
    at_once=st.booleans(),
)
def test_what_is_said_is_what_happens(
    worded: World, text: str, stopped: bool, everywhere: bool, at_once: bool
) -> None:
    """The status in both teams and the answer, against a real text of a contact who is in both."""
    world = worded
    number = new_number()
    set_policies(world, everywhere=False, at_once=False)
    world.text(number, "Hello")
    world.text(number, "Hello", inbox=world.other_shared)
    if stopped:
        world.text(number, "alto")
    set_policies(world, everywhere, at_once)
    with world.session():
        said = try_text(db.session.get_one(Team, world.team_id), text, stopped, personal=False)
    contact_id = world.contact_id(number)
    before = world.status(contact_id), world.status(contact_id, world.other_team_id)
    received = world.text(number, text)
    after = world.status(contact_id), world.status(contact_id, world.other_team_id)
    out_there = any("every team" in effect for effect in said.effects)
    out_of = next((effect for effect in said.effects if effect.startswith("Opted out of")), "")
    expected = {"Opts out": "opted_out", "Opts in": "opted_in"}.get(said.title, before[0])
    if said.title == "Opts out" and not out_there and "Admissions" not in out_of:
        expected = before[0]
    assert after == (expected, "opted_out" if out_there or "Aid" in out_of else before[1])
    last = world.messages(received.conversation_id)[-1]
    changed = after != before or said.title != "Opts out"
    answered = last.body if last.state == MessageState.DELIVERED else ""
    assert answered == (said.answer if changed else "")


@pytest.fixture(scope="module")
def worded(app: Flask) -> World:
    world = make_world(app, "teams")
    add(world, "alto", Meaning.OUT, world.team_id)
    return world
