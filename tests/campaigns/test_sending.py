"""What a campaign does once it is sent: pace, pauses, quiet hours, consent as its turn comes, results."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

from cadence_app.accounts.models import AuditEntry, Tenant, User
from cadence_app.campaigns import jobs, results, sending, service
from cadence_app.campaigns.models import Campaign, Recipient
from cadence_app.campaigns.quiet_hours import hours_of
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db, rq
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import providers
from cadence_app.messaging.jobs import sweep_texts
from cadence_app.messaging.merge_fields import tenant_fields
from cadence_app.messaging.models import Conversation, Message
from cadence_app.messaging.providers.base import CannotTell, Driver, NotTaken, Outgoing, Sent
from cadence_app.work.leases import held
from tests.campaigns.sending import (
    add_campaign,
    add_people,
    always_open,
    counts,
    schedule,
    send,
    start,
    state_of,
)
from tests.world import World, new_number


def work(world: World, campaign_id: int) -> None:
    with world.app.app_context():
        jobs.send_campaign(world.tenant_id, campaign_id)


def texts_of(world: World, campaign_id: int) -> list[Message]:
    with world.session():
        query = select(Message).where(Message.campaign_id == campaign_id).order_by(Message.id)
        rows = list(db.session.scalars(query))
        db.session.expunge_all()
        return rows


def act(world: World, what: str, campaign_id: int) -> None:
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        getattr(service, what)(user, db.session.get_one(Campaign, campaign_id))


def test_everybody_who_may_gets_the_text_with_their_own_values(world: World) -> None:
    always_open(world)
    add_people(world, 2)
    world.text(nameless := new_number(), "hi")
    campaign_id = add_campaign(world, body="Hi {first_name|there},\nsee you")
    send(world, campaign_id)
    assert state_of(world, campaign_id) == "finished"
    assert counts(world, campaign_id) == {"delivered": 3}
    bodies = [message.body for message in texts_of(world, campaign_id)]
    assert sorted(bodies) == ["Hi First0,\nsee you", "Hi First1,\nsee you", "Hi there,\nsee you"]
    assert {message.user_id for message in texts_of(world, campaign_id)} == {world.agent_id}
    conversation = world.text(nameless, "thanks").conversation_id
    assert "Campaign" in world.sign_in("agent").get(f"/messages/conversations/{conversation}").text


def test_a_stop_between_the_preview_and_the_turn_wins_and_is_recorded(world: World) -> None:
    always_open(world)
    early, late, flagged = new_number(), new_number(), new_number()
    for number in (early, late, flagged):
        world.text(number, "hi")
    campaign_id = add_campaign(world)
    world.text(early, "STOP")
    start(world, campaign_id)
    assert counts(world, campaign_id) == {"waiting": 2, "opted_out": 1}
    world.text(late, "STOP")
    world.text(flagged, "please take me off this list")
    work(world, campaign_id)
    assert counts(world, campaign_id) == {"suppressed": 2, "opted_out": 1}
    details = [message.detail for message in texts_of(world, campaign_id)]
    assert sorted(detail[:8] for detail in details) == ["Held: th", "The cont"]
    page = world.sign_in("agent").get(f"/campaigns/{campaign_id}/suppressed").text
    assert "nobody has decided yet" in page


def test_who_sleeps_waits_until_their_morning_and_the_sweep_wakes_it(world: World) -> None:
    always_open(world)
    now = datetime.now(UTC)
    # Hours that are closed in the tenant's zone just now, which a number of no known area goes by.
    world_zone = "UTC"
    hour = (now.hour + 2) % 23
    with world.session():
        db.session.execute(
            update(Tenant)
            .where(Tenant.id == world.tenant_id)
            .values(texts_from=hour, texts_until=hour + 1, time_zone=world_zone)
        )
        db.session.commit()
    add_people(world, 1, number="+8835100012345")
    campaign_id = add_campaign(world)
    send(world, campaign_id)
    assert state_of(world, campaign_id) == "sending"
    assert counts(world, campaign_id) == {"waiting": 1}
    with world.session():
        wakes = db.session.get_one(Campaign, campaign_id).wake_at
    assert wakes
    assert (wakes.hour, wakes.minute) == (hour, 0)
    assert "in their quiet hours" in world.sign_in("agent").get(f"/campaigns/{campaign_id}").text
    always_open(world)
    with world.session():
        db.session.execute(update(Campaign).where(Campaign.id == campaign_id).values(wake_at=now))
        db.session.commit()
    with world.app.app_context():
        jobs.sweep_campaigns()
        rq.get_queue("campaigns").empty()
    work(world, campaign_id)
    assert counts(world, campaign_id) == {"delivered": 1}


def test_a_paused_one_goes_on_where_it_was_and_a_cancelled_one_never(world: World) -> None:
    always_open(world)
    add_people(world, 3)
    campaign_id = add_campaign(world)
    start(world, campaign_id)
    act(world, "pause", campaign_id)
    work(world, campaign_id)
    assert counts(world, campaign_id) == {"waiting": 3}
    act(world, "resume", campaign_id)
    act(world, "cancel", campaign_id)
    work(world, campaign_id)
    assert counts(world, campaign_id) == {"cancelled": 3}
    with pytest.raises(service.Refused):
        act(world, "resume", campaign_id)
    with world.session():
        actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert [each.removeprefix("campaign.") for each in actions] == ["sent", "paused", "resumed", "cancelled"]


def leave_behind(world: World, campaign_id: int) -> int:
    """A text that was claimed by a worker which died before it could say what became of it."""
    start(world, campaign_id)
    with world.session():
        campaign = db.session.get_one(Campaign, campaign_id)
        message_id = sending._claim(campaign_id, hours_of(campaign.user.tenant), tenant_fields())
        assert message_id
        return message_id


class Remembering:
    """A provider that says of each text it is asked for what `fate` says."""

    def __init__(self, fate: object) -> None:
        self.fate, self.sent = fate, 0

    def send(self, text: Outgoing) -> Sent:
        self.sent += 1
        return Sent(f"sent-{text.key}", datetime.now(UTC))

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        if isinstance(self.fate, Exception):
            raise self.fate
        return self.fate  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("fate", "cancelled", "becomes", "sends"),
    [
        (Sent("it-went", datetime(2026, 11, 25, tzinfo=UTC)), False, "delivered", 0),
        (None, False, "delivered", 1),
        (OSError("no answer"), False, "sending", 0),
        (None, True, "suppressed", 0),
        (Sent("it-went-too", datetime(2026, 11, 25, tzinfo=UTC)), True, "delivered", 0),
    ],
)
def test_a_text_that_was_left_behind_is_asked_for_before_it_goes_again(
    world: World, fate: object, cancelled: bool, becomes: str, sends: int
) -> None:
    always_open(world)
    provider = Remembering(fate)
    providers.register(Driver(code="remembering", name="Remembering", client=lambda _: provider))
    with world.session():
        db.session.execute(update(Inbox).values(provider="remembering"))
        db.session.commit()
    add_people(world, 1)
    campaign_id = add_campaign(world)
    leave_behind(world, campaign_id)
    if cancelled:
        act(world, "cancel", campaign_id)
    work(world, campaign_id)
    assert counts(world, campaign_id) == {becomes: 1}
    assert provider.sent == sends


class Busy:
    """A provider that takes nothing for now, until `free`."""

    def __init__(self) -> None:
        self.free, self.asked, self.sent = False, 0, 0

    def send(self, text: Outgoing) -> Sent:
        self.asked += 1
        if not self.free:
            raise NotTaken("busy")
        self.sent += 1
        return Sent(f"sent-{text.key}", datetime.now(UTC))

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        raise CannotTell


@pytest.mark.parametrize(
    ("then", "becomes", "sends"), [("cancel", "suppressed", 0), ("resume", "delivered", 3)]
)
def test_a_busy_carrier_is_left_alone_and_what_waits_for_it_goes_only_if_the_campaign_does(
    world: World, then: str, becomes: str, sends: int
) -> None:
    always_open(world)
    carrier = Busy()
    providers.register(Driver(code="busy", name="Busy", client=lambda _: carrier))
    with world.session():
        db.session.execute(update(Inbox).values(provider="busy"))
        db.session.commit()
    add_people(world, 3)
    campaign_id = add_campaign(world)
    start(world, campaign_id)
    work(world, campaign_id)
    assert carrier.asked == 1
    act(world, "pause", campaign_id)
    carrier.free = True
    with world.session():
        db.session.execute(
            update(Message).values(next_attempt_at=None, created_at=func.now() - timedelta(hours=1))
        )
        db.session.commit()
    with world.app.app_context():
        sweep_texts()
    work(world, campaign_id)
    assert carrier.sent == 0
    act(world, then, campaign_id)
    work(world, campaign_id)
    assert carrier.sent == sends
    assert counts(world, campaign_id).get(becomes, 0) == max(sends, 1)
    assert state_of(world, campaign_id) == ("cancelled" if then == "cancel" else "finished")


@pytest.mark.parametrize(
    ("late", "becomes"), [(timedelta(hours=23), "finished"), (timedelta(hours=25), "missed")]
)
def test_a_missed_time_is_made_up_for_within_a_day_and_else_waits_for_a_person(
    world: World, late: timedelta, becomes: str
) -> None:
    always_open(world)
    add_people(world, 1)
    campaign_id = add_campaign(world)
    schedule(world, campaign_id, datetime.now(UTC) - late)
    work(world, campaign_id)
    assert state_of(world, campaign_id) == becomes
    page = world.sign_in("agent").get(f"/campaigns/{campaign_id}").text
    assert ("It missed its time" in page) == (becomes == "missed")
    if becomes == "missed":
        send(world, campaign_id)
    assert counts(world, campaign_id) == {"delivered": 1}


def test_a_scheduled_one_is_worked_out_anew_when_it_begins(world: World) -> None:
    always_open(world)
    gone = new_number()
    world.text(gone, "hi")
    campaign_id = add_campaign(world)
    schedule(world, campaign_id, datetime.now(UTC) + timedelta(hours=1))
    work(world, campaign_id)
    assert state_of(world, campaign_id) == "scheduled"
    world.text(gone, "STOP")
    world.text(new_number(), "hi")
    with world.session():
        db.session.execute(
            update(Campaign).where(Campaign.id == campaign_id).values(send_at=datetime.now(UTC))
        )
        db.session.commit()
    work(world, campaign_id)
    assert counts(world, campaign_id) == {"delivered": 1, "opted_out": 1}


def test_a_long_one_gives_way_after_a_slice_and_queues_its_next_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    always_open(world)
    add_people(world, 3)
    campaign_id = add_campaign(world)
    start(world, campaign_id)
    monkeypatch.setattr(sending, "_SLICE_SECONDS", 0)
    work(world, campaign_id)
    assert counts(world, campaign_id) == {"delivered": 1, "waiting": 2}
    with world.app.app_context():
        rq.make_worker(["campaigns"]).work(burst=True)
    assert counts(world, campaign_id) == {"delivered": 3}


def test_two_workers_at_once_text_nobody_twice(world: World) -> None:
    always_open(world)
    add_people(world, 2)
    campaign_id = add_campaign(world)
    start(world, campaign_id)
    with world.session(), held(f"campaign {campaign_id}") as mine:
        assert mine
        work(world, campaign_id)
        assert counts(world, campaign_id) == {"waiting": 2}
    work(world, campaign_id)
    assert counts(world, campaign_id) == {"delivered": 2}


def test_texts_of_an_inbox_keep_their_distance_whichever_campaign_they_are_of(world: World) -> None:
    always_open(world)
    add_people(world, 2)
    first, second = add_campaign(world), add_campaign(world)
    with world.session():
        db.session.execute(update(Inbox).values(texts_per_second=20, next_text_at=None))
        db.session.commit()
    for campaign_id in (first, second):
        send(world, campaign_id)
    sent = sorted(message.created_at for each in (first, second) for message in texts_of(world, each))
    # From the database's own clock: a turn is never shorter, however slow the machine.
    assert sent[-1] - sent[0] >= 3 * timedelta(milliseconds=45)


def test_whoever_is_removed_before_their_turn_is_passed_over_and_the_others_are_texted(world: World) -> None:
    always_open(world)
    removed, *_ = add_people(world, 3)
    campaign_id = add_campaign(world)
    start(world, campaign_id)
    with world.session():
        db.session.execute(
            update(Recipient).where(Recipient.contact_id == removed).values(contact_id=None, entry="")
        )
        db.session.commit()
    work(world, campaign_id)
    assert counts(world, campaign_id) == {"cancelled": 1, "delivered": 2}
    assert state_of(world, campaign_id) == "finished"


def test_values_that_make_a_text_too_long_or_empty_fail_by_themselves(world: World) -> None:
    always_open(world)
    add_people(world, 1, first_name="x" * 190)
    add_people(world, 1, first_name="")
    campaign_id = add_campaign(world, body="{first_name}" * 9)
    send(world, campaign_id)
    assert counts(world, campaign_id) == {"failed": 2}


def test_results_count_replies_within_a_day_and_opt_outs_within_a_week(world: World) -> None:
    always_open(world)
    quick, slow, stopped = (new_number() for _ in range(3))
    for number in (quick, slow, stopped):
        world.text(number, "hi")
    campaign_id = add_campaign(world)
    send(world, campaign_id)
    with world.session():
        day_ago = text("now() - interval '25 hours'")
        late = select(Contact.id).where(Contact.number == slow)
        db.session.execute(update(Recipient).where(Recipient.contact_id.in_(late)).values(sent_at=day_ago))
        db.session.commit()
    world.text(quick, "yes!")
    world.text(slow, "me too")
    world.text(stopped, "STOP")
    with world.session():
        assert results.answers_to(db.session.get_one(Campaign, campaign_id)) == (2, 1)
    page = world.sign_in("agent").get(f"/campaigns/{campaign_id}").text
    assert "Opt-out rate 33.3%" in page


def test_a_campaigns_text_reaches_the_conversation_as_any_other(world: World) -> None:
    always_open(world)
    (contact,) = add_people(world, 1)
    send(world, add_campaign(world, Segment(Who.PICKED, contact_ids=(contact,))))
    with world.session():
        (conversation,) = db.session.scalars(
            select(Conversation).where(Conversation.contact_id == contact)
        ).all()
        assert conversation.last_message_text == "Hi First0"
        assert conversation.unread == 0
