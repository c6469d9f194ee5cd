"""What a campaign does once it is sent: who gets its text, consent as their turn comes, pauses, results."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from cadence_app.accounts.models import AuditEntry
from cadence_app.campaigns import service
from cadence_app.campaigns.models import Recipient
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation
from tests.campaigns.sending import (
    act,
    add_campaign,
    add_people,
    always_open,
    counts,
    send,
    start,
    state_of,
    texts_of,
    work,
)
from tests.world import World, new_number


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
    page = world.sign_in("agent").get(f"/campaigns/{campaign_id}/not-sent").text
    assert "nobody has decided yet" in page


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


def test_the_page_tells_the_answers_and_the_opt_out_rate(world: World) -> None:
    always_open(world)
    numbers = [new_number() for _ in range(3)]
    for number in numbers:
        world.text(number, "hi")
    campaign_id = add_campaign(world)
    send(world, campaign_id)
    world.text(numbers[0], "yes!")
    world.text(numbers[1], "STOP")
    page = world.sign_in("agent").get(f"/campaigns/{campaign_id}").text
    assert re.search(r'id="figure-answered"[^>]*>1<', page)
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
