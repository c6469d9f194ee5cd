"""What a text that names what to stop does to consent: by what a phone sends."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from cadence_app.accounts.models import KeywordPolicy, PossibleOptOutPolicy, Team, User
from cadence_app.administration import teams as administration
from cadence_app.consent import blocks, own_keywords
from cadence_app.consent.first_status import add_by_user
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.models import BlockScope
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.inbound import receive_text
from cadence_app.messaging.keyword_trial import try_text
from cadence_app.messaging.models import Message
from cadence_app.messaging.sending import deliver
from tests.messaging.words import both_teams, by_carrier, flagged, set_policy, statuses
from tests.statements import statements
from tests.world import World, new_number


def test_a_stop_that_names_the_team_that_was_texted_or_the_organisation_is_for_that_team(
    world: World,
) -> None:
    with world.session():
        front = db.session.scalars(select(Inbox.name).where(Inbox.number == world.shared)).one()
    for named in ("ADM", "admissions", world.name, world.shared, f"{world.name} Admissions", front):
        number, contact_id = both_teams(world)
        received = world.text(number, f"STOP {named}")
        assert statuses(world, contact_id) == ("opted_out", "opted_in"), named
        assert not flagged(world, contact_id)
        reply = world.messages(received.conversation_id)[-1]
        assert (reply.kind, reply.state, reply.confirms_team_id) == ("opt_out_reply", "delivered", None)
        assert "Admissions: You are opted out" in reply.body


def test_a_stop_that_names_another_team_is_for_that_team_and_flags_the_one_that_was_texted(
    world: World,
) -> None:
    with world.session():
        db.session.get_one(Team, world.other_team_id).opt_out_text = "Aid: no more texts."
        db.session.commit()
    for named in ("AID", "Aid", world.other_shared):
        number, contact_id = both_teams(world)
        received = world.text(number, f"{named} stop")
        assert statuses(world, contact_id) == ("opted_in", "opted_out")
        assert flagged(world, contact_id)
        row = world.history(contact_id, world.other_team_id)[-1]
        assert (row.source, row.team_code, row.words) == ("keyword", "AID", f"{named} stop")
        reply = world.messages(received.conversation_id)[-1]
        assert (reply.body, reply.state) == ("Aid: no more texts.", "delivered")
        again = world.text(number, f"{named} stop")
        assert world.messages(again.conversation_id)[-1].detail == (
            "No confirmation: they had stopped already."
        )


def test_the_flag_is_a_persons_to_decide_whatever_the_policy(world: World) -> None:
    set_policy(world, possible_opt_out_policy=PossibleOptOutPolicy.OPT_OUT)
    number, contact_id = both_teams(world)
    world.text(number, "STOP Aid")
    assert statuses(world, contact_id) == ("opted_in", "opted_out")
    assert flagged(world, contact_id)


def test_who_is_not_in_the_named_team_is_opted_out_of_it_all_the_same(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    world.text(number, "stop aid")
    (row,) = world.history(contact_id, world.other_team_id)
    assert row.status == "opted_out"
    with world.session():
        assert add_by_user(db.session.get_one(User, world.admin_id), contact_id, world.other_team_id) is None


def test_a_first_text_that_names_another_team_opts_in_to_nothing(world: World) -> None:
    number = new_number()
    received = world.text(number, "STOP AID")
    contact_id = world.contact_id(number)
    assert [row.status for row in world.history(contact_id)] == ["opted_out", "opted_out"]
    assert statuses(world, contact_id) == ("opted_out", "opted_out")
    assert f"{world.name} Admissions and Aid: You are opted out" in (
        world.messages(received.conversation_id)[-1].body
    )


def test_a_stop_that_the_carrier_acted_on_is_for_the_team_that_was_texted_too(world: World) -> None:
    number, contact_id = both_teams(world)
    by_carrier(world, number, "STOP AID", Meaning.OUT)
    assert statuses(world, contact_id) == ("opted_out", "opted_out")


def test_a_closed_team_that_is_named_sends_nothing_so_the_one_that_was_texted_is_meant(world: World) -> None:
    number, contact_id = both_teams(world)
    other = new_number()
    world.text(other, "hi")
    with world.session():
        db.session.get_one(Team, world.other_team_id).closed_at = func.now()
        db.session.commit()
    for each in (number, other):
        world.text(each, "STOP AID")
    assert statuses(world, contact_id) == ("opted_out", "opted_out")
    assert statuses(world, world.contact_id(other)) == ("opted_out", None)


def test_sent_to_a_personal_inbox_it_bars_every_personal_inbox(world: World) -> None:
    number, contact_id = both_teams(world)
    world.text(number, "STOP AID", world.personal)
    assert statuses(world, contact_id) == ("opted_in", "opted_out")
    with world.session():
        assert [each.scope for each in blocks.blocks_of(contact_id)] == [BlockScope.PERSONAL]


@pytest.mark.parametrize("word", ["STOPALL AID", "stop all Admissions", "STOP ALL AID"])
def test_a_word_for_every_team_is_for_every_team_whatever_it_names(world: World, word: str) -> None:
    number, contact_id = both_teams(world)
    world.text(number, word)
    assert statuses(world, contact_id) == ("opted_out", "opted_out")


def test_under_the_organisations_policy_it_counts_everywhere_and_another_teams_name_asks_nothing(
    world: World,
) -> None:
    set_policy(world, keyword_policy=KeywordPolicy.ORGANISATION, ask_team_only=True)
    for word, asks in (("STOP AID", False), ("STOP ADM", True), (f"STOP {world.name}", True)):
        number, contact_id = both_teams(world)
        received = world.text(number, word)
        assert statuses(world, contact_id) == ("opted_out", "opted_out")
        assert not flagged(world, contact_id)
        reply = world.messages(received.conversation_id)[-1]
        assert ("Reply TEAM" in reply.body, reply.state) == (asks, "delivered")


def test_a_toll_free_network_acts_on_the_bare_word_only(world: World) -> None:
    number = new_number()
    world.text(number, "hi", world.toll_free)
    received = world.text(number, "STOP ADM", world.toll_free)
    assert world.status(world.contact_id(number)) == "opted_out"
    assert world.messages(received.conversation_id)[-1].state == "delivered"
    with world.session():
        assert blocks.blocks_of(world.contact_id(number)) == []


@pytest.mark.parametrize("text", ["STOP 73811", "STOP7", "3 stop", "STOP agent", "stop from Aid", "στοπ"])
def test_other_digits_a_users_name_and_a_foreign_stop_are_flagged(world: World, text: str) -> None:
    number, contact_id = both_teams(world)
    received = world.text(number, text)
    assert statuses(world, contact_id) == ("opted_in", "opted_in")
    assert flagged(world, contact_id)
    page = world.sign_in("agent").get(f"/messages/conversations/{received.conversation_id}").text
    assert "Flagged by the words “" in page


def test_no_opt_in_is_read_from_a_word_with_a_name(world: World) -> None:
    number = new_number()
    world.text(number, "STOP")
    for text in ("START ADM", "START Admissions", "yes Aid", "UNSTOP 1"):
        world.text(number, text)
    assert world.status(world.contact_id(number)) == "opted_out"


def test_another_organisations_team_names_nobody(world: World, legacy_world: World) -> None:
    with legacy_world.session():
        db.session.get_one(Team, legacy_world.other_team_id).name = "Bursary"
        db.session.commit()
    number, contact_id = both_teams(world)
    world.text(number, "stop bursary")
    assert statuses(world, contact_id) == ("opted_in", "opted_in")


def test_a_word_of_the_organisations_own_may_name_too(world: World) -> None:
    with world.session():
        own_keywords.add_keyword(None, "قف", Meaning.OUT, None)
        db.session.commit()
    number, contact_id = both_teams(world)
    world.text(number, "قِفْ AID")
    assert statuses(world, contact_id) == ("opted_in", "opted_out")
    world.text(number, "\u0642\u0650\u0641\u0652!")
    assert statuses(world, contact_id) == ("opted_out", "opted_out")


def test_names_and_what_was_sent_are_read_only_for_a_text_that_may_need_them(world: World) -> None:
    number, _ = both_teams(world)
    counts = {}
    for text in ("see you at nine then", "2 stop", "Liked “x”"):
        with statements(world) as seen:
            world.text(number, text)
        counts[text] = len(seen)
    plain = counts["see you at nine then"]
    # Four for the names, and one for the flag, or for what was sent: a word beside the quote may name too. No
    # flagged one is asked whether its inbox is out of office.
    assert counts["2 stop"] == plain + 4
    assert counts["Liked “x”"] == plain + 5


def test_closing_and_reopening_a_team_keeps_the_stop_that_named_it(world: World) -> None:
    number, contact_id = both_teams(world)
    with world.session():
        team = db.session.get_one(Team, world.other_team_id)
        team.closed_at = func.now()
        db.session.commit()
    world.text(number, "STOP Aid")
    with world.session():
        administration.reopen("A test", db.session.get_one(Team, world.other_team_id))
        db.session.commit()
    assert world.status(contact_id, world.other_team_id) == "opted_out"


def test_a_start_before_the_confirmation_of_a_named_team_goes_holds_it_back(world: World) -> None:
    number, contact_id = both_teams(world)
    with world.app.app_context():
        received = receive_text(world.shared, number, "STOP AID", str(uuid.uuid4()), datetime.now(UTC))
    world.text(number, "START", world.other_shared)
    with world.session():
        assert received.reply_id
        deliver(received.reply_id)
        message = db.session.get_one(Message, received.reply_id)
        assert (message.state, message.detail) == ("suppressed", "The contact has opted in again since.")
    assert statuses(world, contact_id) == ("opted_in", "opted_in")


def test_the_dry_run_says_what_a_named_stop_does(world: World) -> None:
    with world.session():
        team = db.session.get_one(Team, world.team_id)
        said = try_text(team, "STOP AID", opted_out=False, personal=False)
        assert said.title == "Opts out"
        assert said.effects[0] == "Opted out of Aid."
        assert any(effect.startswith("Flagged in Admissions") for effect in said.effects)
        assert f"{world.name} Aid: You are opted out" in said.answer
        quoted = try_text(team, "Liked “Tours at nine. Reply STOP to opt out”", False, False)
        assert quoted.title == "Nothing changes"
        assert "quotes" in quoted.why
