"""Who answered a campaign, who opted out after it: which campaign it counts for, and that each figure is the
length of its list."""

from __future__ import annotations

import importlib
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from cadence_app.accounts.models import User
from cadence_app.campaigns import lists, results
from cadence_app.campaigns.models import Campaign, Recipient
from cadence_app.campaigns.results import Outcome
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.consent.by_user import set_by_user
from cadence_app.consent.models import Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging.inbound import receive_text
from cadence_app.messaging.models import Message
from cadence_app.records.erasing import erase
from cadence_app.records.merging import merge
from tests.campaigns.sending import act, add_campaign, add_people, always_open, send, start, work
from tests.world import World, new_number


def known(world: World) -> str:
    """The number of somebody who has texted the shared inbox."""
    number = new_number()
    world.text(number, "hi")
    return number


def campaign_to(world: World, *numbers: str, inbox: str = "") -> int:
    """One that was sent to these."""
    ids = tuple(world.contact_id(number) for number in numbers)
    campaign_id = add_campaign(world, Segment(Who.PICKED, contact_ids=ids), inbox=inbox)
    send(world, campaign_id)
    return campaign_id


def figures(world: World, campaign_id: int) -> dict[Outcome, int]:
    with world.session():
        return results.figures_of(db.session.get_one(Campaign, campaign_id))


def texted_before(world: World, campaign_id: int, time: str) -> None:
    """As if its texts had gone that long ago."""
    ago = text(f"now() - interval '{time}'")
    with world.session():
        db.session.execute(update(Campaign).where(Campaign.id == campaign_id).values(started_at=ago))
        db.session.execute(update(Recipient).where(Recipient.campaign_id == campaign_id).values(sent_at=ago))
        db.session.execute(update(Message).where(Message.campaign_id == campaign_id).values(created_at=ago))
        db.session.commit()


@pytest.fixture
def open_world(world: World) -> World:
    always_open(world)
    return world


def test_an_answer_counts_once_however_often_they_write(open_world: World) -> None:
    one, other = known(open_world), known(open_world)
    campaign_id = campaign_to(open_world, one, other)
    assert figures(open_world, campaign_id)[Outcome.ANSWERED] == 0
    for words in ("yes please", "and my brother"):
        open_world.text(one, words)
    assert figures(open_world, campaign_id)[Outcome.ANSWERED] == 1


@pytest.mark.parametrize(
    ("words", "answered", "opted_out"),
    [
        ("see you there", 1, 0),
        ("please take me off this list", 1, 0),
        ("STOP", 0, 1),
        ("HELP", 0, 0),
        ("Liked “Hi there”", 0, 0),
    ],
)
def test_what_is_an_answer_is_the_desks_rule(
    open_world: World, words: str, answered: int, opted_out: int
) -> None:
    number = known(open_world)
    campaign_id = campaign_to(open_world, number)
    open_world.text(number, words)
    found = figures(open_world, campaign_id)
    assert (found[Outcome.ANSWERED], found[Outcome.OPTED_OUT]) == (answered, opted_out)


def test_of_two_campaigns_the_one_that_texted_them_last_was_answered(open_world: World) -> None:
    number = known(open_world)
    first, second = campaign_to(open_world, number), campaign_to(open_world, number)
    open_world.text(number, "yes")
    open_world.text(number, "STOP")
    for campaign_id, count in ((first, 0), (second, 1)):
        found = figures(open_world, campaign_id)
        assert (found[Outcome.ANSWERED], found[Outcome.OPTED_OUT]) == (count, count)


def test_an_answer_between_two_campaigns_is_the_firsts_even_if_the_carrier_brings_it_late(
    open_world: World,
) -> None:
    number = known(open_world)
    first, second = campaign_to(open_world, number), campaign_to(open_world, number)
    texted_before(open_world, first, "3 hours")
    texted_before(open_world, second, "1 hour")
    with open_world.app.app_context():
        written_at = datetime.now(UTC) - timedelta(hours=2)
        receive_text(open_world.shared, number, "yes", str(uuid.uuid4()), written_at)
    assert figures(open_world, first)[Outcome.ANSWERED] == 1
    assert figures(open_world, second)[Outcome.ANSWERED] == 0


@pytest.mark.parametrize(("ago", "count"), [("167 hours", 1), ("169 hours", 0)])
def test_answers_and_opt_outs_count_for_seven_days(open_world: World, ago: str, count: int) -> None:
    eager, stopped = known(open_world), known(open_world)
    campaign_id = campaign_to(open_world, eager, stopped)
    texted_before(open_world, campaign_id, ago)
    open_world.text(eager, "yes")
    open_world.text(stopped, "STOP")
    found = figures(open_world, campaign_id)
    assert (found[Outcome.ANSWERED], found[Outcome.OPTED_OUT]) == (count, count)


def test_a_text_to_another_inbox_is_no_answer_but_a_stop_there_is_an_opt_out(open_world: World) -> None:
    chatty, stopped = known(open_world), known(open_world)
    campaign_id = campaign_to(open_world, chatty, stopped)
    open_world.text(chatty, "yes", open_world.toll_free)
    open_world.text(stopped, "STOP", open_world.toll_free)
    found = figures(open_world, campaign_id)
    assert (found[Outcome.ANSWERED], found[Outcome.OPTED_OUT]) == (0, 1)


def test_an_opt_out_by_hand_counts_and_what_a_merge_carries_over_does_not(open_world: World) -> None:
    by_hand, kept, gone = (known(open_world) for _ in range(3))
    open_world.text(gone, "STOP")
    campaign_id = campaign_to(open_world, by_hand, kept)
    with open_world.session():
        agent = db.session.get_one(User, open_world.agent_id)
        set_by_user(agent, open_world.contact_id(by_hand), open_world.team_id, Status.OPTED_OUT)
        db.session.commit()
        admin = db.session.get_one(User, open_world.admin_id)
        kept_id, gone_id = open_world.contact_id(kept), open_world.contact_id(gone)
    with open_world.session():
        admin = db.session.get_one(User, open_world.admin_id)
        merge(admin, kept_id, gone_id, kept_id)
    assert open_world.status(kept_id) == Status.OPTED_OUT
    assert figures(open_world, campaign_id)[Outcome.OPTED_OUT] == 1


def test_what_somebody_did_stays_counted_once_they_are_merged_or_erased(open_world: World) -> None:
    kept, gone, erased = (known(open_world) for _ in range(3))
    campaign_id = campaign_to(open_world, gone, erased)
    for number in (gone, erased):
        open_world.text(number, "yes")
        open_world.text(number, "STOP")
    before = figures(open_world, campaign_id)
    assert (before[Outcome.ANSWERED], before[Outcome.OPTED_OUT]) == (2, 2)
    ids = {each: open_world.contact_id(each) for each in (kept, gone, erased)}
    with open_world.session():
        merge(db.session.get_one(User, open_world.admin_id), ids[kept], ids[gone], ids[kept])
    with open_world.session():
        erase(db.session.get_one(User, open_world.admin_id), ids[erased], "They asked us to.")
    assert figures(open_world, campaign_id) == before


def test_an_answer_that_comes_before_the_carriers_receipt_counts(open_world: World) -> None:
    number = known(open_world)
    campaign_id = campaign_to(open_world, number)
    with open_world.session():
        db.session.execute(update(Recipient).values(state="sending", sent_at=None))
        db.session.execute(update(Message).where(Message.campaign_id == campaign_id).values(state="sending"))
        db.session.commit()
    open_world.text(number, "who is this?")
    assert figures(open_world, campaign_id)[Outcome.ANSWERED] == 1


def test_an_answer_while_the_campaign_runs_and_after_it_was_cancelled_counts(open_world: World) -> None:
    quick, slow = known(open_world), known(open_world)
    campaign_id = campaign_to(open_world, quick, slow)
    with open_world.session():
        db.session.execute(update(Campaign).values(state="sending", finished_at=None))
        db.session.commit()
    open_world.text(quick, "yes")
    act(open_world, "cancel", campaign_id)
    open_world.text(slow, "yes")
    assert figures(open_world, campaign_id)[Outcome.ANSWERED] == 2


def test_who_was_not_sent_it_has_not_answered_it(open_world: World) -> None:
    number = known(open_world)
    campaign_id = add_campaign(open_world)
    start(open_world, campaign_id)
    act(open_world, "pause", campaign_id)
    open_world.text(number, "hello?")
    act(open_world, "cancel", campaign_id)
    open_world.text(number, "anybody?")
    found = figures(open_world, campaign_id)
    assert (found[Outcome.ANSWERED], found[Outcome.NOT_SENT], found[Outcome.EVERYONE]) == (0, 1, 1)


def test_an_answer_from_another_number_of_theirs_counts(open_world: World) -> None:
    kept, gone = known(open_world), known(open_world)
    kept_id, gone_id = open_world.contact_id(kept), open_world.contact_id(gone)
    with open_world.session():
        merge(db.session.get_one(User, open_world.admin_id), kept_id, gone_id, kept_id)
    campaign_id = campaign_to(open_world, kept)
    open_world.text(gone, "yes")
    assert figures(open_world, campaign_id)[Outcome.ANSWERED] == 1


def test_each_figure_is_the_length_of_its_list_and_all_of_them_add_up(open_world: World) -> None:
    answered, stopped, late, held, failed = (known(open_world) for _ in range(5))
    with open_world.session():
        too_long = Contact.number == failed
        db.session.execute(update(Contact).where(too_long).values(first_name="x" * 190))
        db.session.commit()
    (gone,) = add_people(open_world, 1)
    campaign_id = add_campaign(open_world, body="Hi {first_name}" * 9)
    start(open_world, campaign_id)
    open_world.text(late, "STOP")
    open_world.text(held, "please stop texting me")
    with open_world.session():
        one = select(Recipient.id).where(Recipient.contact_id == gone)
        db.session.execute(update(Recipient).where(Recipient.id.in_(one)).values(contact_id=None))
        db.session.commit()
    work(open_world, campaign_id)
    open_world.text(answered, "yes")
    open_world.text(stopped, "STOP")
    found = figures(open_world, campaign_id)
    assert found == {
        Outcome.EVERYONE: 6,
        Outcome.SENT: 3,
        Outcome.DELIVERED: 2,
        Outcome.ANSWERED: 1,
        Outcome.FAILED: 1,
        Outcome.OPTED_OUT: 1,
        Outcome.WAITING: 0,
        Outcome.NOT_SENT: 3,
    }
    with open_world.session():
        campaign = db.session.get_one(Campaign, campaign_id)
        for outcome, listed in lists.lists_of(campaign, "team").items():
            if outcome in set(Outcome):
                assert lists.count(listed.conditions) == found[Outcome(outcome)], outcome
    assert found[Outcome.EVERYONE] == sum(
        found[each] for each in (Outcome.SENT, Outcome.WAITING, Outcome.NOT_SENT)
    )


def test_an_upgrade_finds_the_answers_that_would_have_been_noted(open_world: World) -> None:
    numbers = [known(open_world) for _ in range(4)]
    first, second = campaign_to(open_world, *numbers), campaign_to(open_world, numbers[0])
    for number, words in zip(numbers, ("yes", "STOP", "Liked “Hi there”"), strict=False):
        open_world.text(number, words)
    open_world.text(numbers[0], "and my sister")
    migration = importlib.import_module("migrations.versions.0061_answers_to_campaigns")
    with open_world.session():
        found = db.session.execute(text(migration._ANSWERS)).all()
        noted = db.session.scalars(select(Recipient.id).where(Recipient.answered_at.is_not(None))).all()
        of = db.session.scalars(select(Recipient.campaign_id).where(Recipient.id.in_(noted))).all()
    assert [row.id for row in found] == noted
    assert of == [second]
    assert first != second
