"""TEAM as the answer to a confirmation that asks which teams were meant: who is asked, and who may answer."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from cadence_app.accounts.models import KeywordPolicy
from cadence_app.consent import blocks, team_only
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.models import TeamOnlyQuestion, TeamOnlyStatus
from cadence_app.extensions import db
from cadence_app.messaging.inbound import CarrierSays, receive_text
from cadence_app.messaging.sending import deliver
from tests.messaging.team_only import ASKS, BACK, STOPPED, ask, confirmation
from tests.messaging.words import both_teams, statuses
from tests.records.people import add_number, erase, merge, text_at
from tests.world import World, new_number


def texted(
    world: World,
    number: str,
    body: str,
    *,
    ago: timedelta = timedelta(),
    inbox: str = "",
    delivered: bool = True,
) -> int:
    """A text that the provider had so long ago; the conversation's id."""
    with world.app.app_context():
        at = datetime.now(UTC) - ago
        received = receive_text(inbox or world.shared, number, body, str(uuid.uuid4()), at)
        if received.reply_id and delivered:
            deliver(received.reply_id)
        return received.conversation_id


def test_team_gives_the_other_teams_back_with_a_row_that_says_why_and_no_text(asking: World) -> None:
    world = asking
    number, contact_id = both_teams(world)
    stop = world.text(number, "STOP")
    assert ASKS in confirmation(world, stop.conversation_id)
    assert statuses(world, contact_id) == STOPPED
    world.text(number, "“Team!”")
    assert statuses(world, contact_id) == BACK
    last = world.history(contact_id)[-1]
    assert (last.status, last.source, last.words) == ("opted_in", "keyword", "“Team!”")
    assert last.reason == "Answered TEAM: by their opt-out word they meant Admissions only."
    message = world.messages(stop.conversation_id)[-1]
    assert (message.direction, message.id) == ("inbound", last.message_id)
    assert "meant Admissions only" in message.detail
    with world.session():
        assert blocks.stopped_everywhere([contact_id]) == {}
        assert db.session.scalars(select(TeamOnlyQuestion)).all() == []
    # It was answered. The word works again, and asks again.
    world.text(number, "TEAM")
    assert len(world.history(contact_id)) == 5
    again = world.text(number, "STOP", world.other_shared)
    assert statuses(world, contact_id) == STOPPED
    assert "only texts from Aid" in confirmation(world, again.conversation_id)
    assert len(world.history(contact_id)) == 6


def test_without_an_answer_it_stays_all_and_team_in_another_conversation_is_none(asking: World) -> None:
    number, contact_id = both_teams(asking)
    asking.text(number, "STOP")
    for body, inbox in (
        ("team please", asking.shared),
        ("TEAM", asking.other_shared),
        ("TEAM", asking.personal),
    ):
        asking.text(number, body, inbox)
    assert statuses(asking, contact_id) == STOPPED


@pytest.mark.parametrize("word", ["STOPALL", "stop all"])
def test_a_word_for_every_team_never_asks_and_ends_an_earlier_question(asking: World, word: str) -> None:
    number, contact_id = both_teams(asking)
    asking.text(number, "STOP")
    stop = asking.text(number, word)
    other, other_id = both_teams(asking)
    direct = asking.text(other, word)
    assert "TEAM" not in confirmation(asking, direct.conversation_id)
    for each in (number, other):
        asking.text(each, "TEAM")
    assert statuses(asking, contact_id) == statuses(asking, other_id) == STOPPED
    assert asking.messages(stop.conversation_id)


@pytest.mark.parametrize(
    ("asks", "policy"), [(False, KeywordPolicy.ORGANISATION), (True, KeywordPolicy.TEAM)]
)
def test_it_asks_only_where_the_admin_chose_so_and_the_word_counts_everywhere(
    world: World, asks: bool, policy: KeywordPolicy
) -> None:
    ask(world, asks, policy)
    number, contact_id = both_teams(world)
    stop = world.text(number, "STOP")
    assert "TEAM" not in confirmation(world, stop.conversation_id)
    before = statuses(world, contact_id)
    world.text(number, "TEAM")
    assert statuses(world, contact_id) == before


def test_where_the_carrier_answered_nobody_was_asked(asking: World) -> None:
    number, contact_id = both_teams(asking)
    with asking.app.app_context():
        said = CarrierSays(acted=Meaning.OUT)
        receive_text(asking.shared, number, "STOP", str(uuid.uuid4()), datetime.now(UTC), carrier=said)
    asking.text(number, "TEAM")
    assert statuses(asking, contact_id) == STOPPED


def test_a_question_that_never_went_out_has_no_answer(asking: World) -> None:
    late, late_id = both_teams(asking)
    texted(asking, late, "STOP", ago=timedelta(minutes=6))
    toll_free, toll_free_id = both_teams(asking)
    texted(asking, toll_free, "STOP", inbox=asking.toll_free)
    waiting, waiting_id = both_teams(asking)
    texted(asking, waiting, "STOP", delivered=False)
    for number, contact_id in ((late, late_id), (toll_free, toll_free_id), (waiting, waiting_id)):
        for inbox in (asking.shared, asking.toll_free):
            asking.text(number, "TEAM", inbox)
        assert statuses(asking, contact_id)[1] == "opted_out"


def test_the_answer_has_seven_days_and_must_come_after_the_word_and_from_its_phone(asking: World) -> None:
    number, contact_id = both_teams(asking)
    work_phone = new_number()
    add_number(asking, contact_id, work_phone)
    asking.text(number, "STOP")
    asking.text(work_phone, "TEAM")
    texted(asking, number, "TEAM", ago=timedelta(minutes=1))
    assert statuses(asking, contact_id) == STOPPED
    days_pass(asking, contact_id, timedelta(days=7, minutes=1))
    late = texted(asking, number, "TEAM")
    assert "more than 7 days" in asking.messages(late)[-1].detail
    assert statuses(asking, contact_id) == STOPPED
    days_pass(asking, contact_id, timedelta(minutes=-2))
    asking.text(number, "TEAM")
    assert statuses(asking, contact_id) == BACK


def days_pass(world: World, contact_id: int, time: timedelta) -> None:
    with world.session():
        earlier = TeamOnlyQuestion.said_at - time
        mine = update(TeamOnlyQuestion).where(TeamOnlyQuestion.contact_id == contact_id)
        db.session.execute(mine.values(said_at=earlier))
        db.session.commit()


def test_a_word_from_a_further_phone_is_answered_from_that_phone(asking: World) -> None:
    number, contact_id = both_teams(asking)
    work_phone = new_number()
    add_number(asking, contact_id, work_phone)
    asking.text(work_phone, "STOP")
    asking.text(number, "TEAM")
    assert statuses(asking, contact_id) == STOPPED
    asking.text(work_phone, "TEAM")
    assert statuses(asking, contact_id) == BACK
    said = [row.number for row in asking.history(contact_id) if row.words in {"STOP", "TEAM"}]
    assert set(said) == {work_phone}


def test_a_merge_another_number_and_erasing_end_the_question(asking: World) -> None:
    def merged(contact_id: int) -> None:
        merge(asking, contact_id, asking.add_contact())

    def gone(contact_id: int) -> None:
        merge(asking, asking.add_contact(), contact_id)

    def moved(contact_id: int) -> None:
        text_at(asking, contact_id, new_number())

    def erased(contact_id: int) -> None:
        erase(asking, contact_id)

    for end in (merged, gone, moved, erased):
        number, contact_id = both_teams(asking)
        asking.text(number, "STOP")
        with asking.session():
            assert team_only.question_of(contact_id)
        end(contact_id)
        with asking.session():
            assert team_only.question_of(contact_id) is None, end
            left = select(func.count()).where(TeamOnlyStatus.contact_id == contact_id)
            assert db.session.scalar(left) == 0


def test_a_contact_of_one_team_is_asked_for_the_teams_they_join_later(asking: World) -> None:
    number = new_number()
    asking.text(number, "hello")
    asking.text(number, "STOP")
    asking.text(number, "TEAM")
    asking.text(number, "I have a question", asking.other_shared)
    assert statuses(asking, asking.contact_id(number)) == BACK
