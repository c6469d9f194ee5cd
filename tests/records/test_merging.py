"""Two records that are one person: nobody becomes more reachable, nothing is lost, nobody waits for ever."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.campaigns.models import Campaign, Recipient
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.consent import blocks, possible
from cadence_app.consent.by_user import ReasonRequired, set_by_user
from cadence_app.consent.models import BlockScope, Decision, PossibleOptOut, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import later
from cadence_app.messaging.models import Conversation, MessageKind, ScheduledText
from cadence_app.messaging.sending import number_of, refusal
from cadence_app.records.certificate import certify
from cadence_app.records.merging import outcomes
from cadence_app.records.phones import Gone
from tests import sizes
from tests.campaigns.sending import add_campaign
from tests.consent.history import check, seal
from tests.records.people import IN, OUT, current_numbers, merge, opt
from tests.world import World, new_number

STATUSES = st.sampled_from([None, IN, OUT])
SCOPES = st.sampled_from([None, BlockScope.PERSONAL, BlockScope.ORGANISATION])


def reachable(world: World, contact_id: int) -> set[tuple[int, str]]:
    """The inboxes, by id, and the numbers that a person's text would go out to."""
    with world.session():
        number = number_of(contact_id)
        inboxes = db.session.scalars(select(Inbox)).all()
        return {
            (inbox.id, number) for inbox in inboxes if refusal(inbox, contact_id, MessageKind.PERSON) is None
        }


@pytest.mark.sized
@settings(
    max_examples=sizes.size(4, 60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    statuses=st.lists(STATUSES, min_size=4, max_size=4),
    scopes=st.lists(
        st.sampled_from([None, BlockScope.PERSONAL, BlockScope.ORGANISATION]), min_size=2, max_size=2
    ),
    texted=st.booleans(),
)
def test_a_merge_never_makes_anybody_more_reachable(
    world: World, statuses: list[Status | None], scopes: list[BlockScope | None], texted: bool
) -> None:
    both = world.add_contact(), world.add_contact()
    teams = world.team_id, world.other_team_id
    for index, stored in enumerate(statuses):
        if stored:
            opt(world, both[index // 2], stored, teams[index % 2])
    with world.session():
        for contact_id, scope in zip(both, scopes, strict=True):
            if scope:
                blocks.block(contact_id, scope)
        db.session.commit()
    before = reachable(world, both[0]) | reachable(world, both[1])
    texted_id = both[1] if texted else both[0]
    with world.session():
        told = {outcome.team.id: outcome.after for outcome in outcomes(*both, texted_id)}
    merge(world, *both, texted_id)
    assert reachable(world, both[0]) <= before
    for index, team_id in enumerate(teams):
        status = world.status(both[0], team_id)
        assert status == told.get(team_id)
        of_both = statuses[index], statuses[index + 2]
        if OUT in of_both:
            assert status == OUT
        # Who stopped every team stopped those that they were not in.
        if status and (None, BlockScope.ORGANISATION) in zip(of_both, scopes, strict=True):
            assert status == OUT
            with world.session(), pytest.raises(ReasonRequired):
                set_by_user(db.session.get_one(User, world.admin_id), both[0], team_id, IN)
    with world.session():
        assert {block.scope for block in blocks.blocks_of(both[0])} == {scope for scope in scopes if scope}


def test_the_history_of_both_is_untouched_and_shown_on_the_kept_record(world: World) -> None:
    kept, gone = world.add_contact(external_id="K"), world.add_contact(external_id="G")
    rows = [opt(world, kept, IN), opt(world, gone, IN), opt(world, gone, OUT)]
    before = [vars(row) for row in world.history(gone)]
    merge(world, kept, gone)
    after = [vars(row) for row in world.history(gone)]
    for was, now in zip(before, after, strict=True):
        assert {k: v for k, v in was.items() if k != "_sa_instance_state"} == {
            k: v for k, v in now.items() if k != "_sa_instance_state"
        }
    last = world.history(kept)[-1]
    assert (last.status, last.source) == (OUT, "merge")
    assert last.reason == "Merged with Maya Chen, ContactId G."
    with world.session():
        certificate = certify(db.session.get_one(User, world.admin_id), kept)
        assert certificate
        assert [entry.change.id for entry in certificate.entries] == [*rows, last.id]
    seal(world)
    assert check(world).intact


def test_texts_from_either_number_reach_the_kept_record_in_one_conversation(world: World) -> None:
    one, other = new_number(), new_number()
    first, second = world.text(one, "Hello"), world.text(other, "Hi there")
    third = world.text(other, "To the other team", inbox=world.other_shared)
    kept, gone = (world.contact_id_of(each.conversation_id) for each in (first, second))
    merge(world, kept, gone)
    assert [text.body for text in world.messages(first.conversation_id)] == ["Hello", "Hi there"]
    again = world.text(other, "STOP")
    assert again.conversation_id == first.conversation_id
    assert world.contact_id_of(third.conversation_id) == kept
    assert world.status(kept) == OUT
    assert current_numbers(world, kept) == {one, other}


def test_an_opt_out_by_their_own_words_still_needs_a_reason_after_the_merge(world: World) -> None:
    kept = world.add_contact()
    opt(world, kept, IN)
    gone = world.contact_id_of(world.text(new_number(), "STOP").conversation_id)
    merge(world, kept, gone)
    with world.session(), pytest.raises(ReasonRequired):
        set_by_user(db.session.get_one(User, world.agent_id), kept, world.team_id, IN)


def test_possible_opt_outs_of_both_stay_as_one(world: World) -> None:
    words = "please stop texting me"
    received = [world.text(new_number(), words) for _ in range(2)]
    kept, gone = (world.contact_id_of(each.conversation_id) for each in received)
    merge(world, kept, gone)
    with world.session():
        flag = possible.open_flag(kept, world.team_id)
        assert flag
        assert (flag.words, flag.message_id) == (f"{words}\n{words}", received[1].message_id)
        open_flags = select(PossibleOptOut).where(PossibleOptOut.decision == Decision.OPEN)
        assert len(db.session.scalars(open_flags).all()) == 1


def test_the_kept_record_is_filled_and_keeps_its_own(world: World) -> None:
    kept, gone = world.add_contact(first_name="", last_name=""), world.add_contact(external_id="S-9")
    with world.session():
        db.session.get_one(Contact, kept).custom = {"1": "Biology"}
        db.session.get_one(Contact, gone).custom = {"1": "Art", "2": "2027"}
        db.session.commit()
    merge(world, kept, gone)
    with world.session():
        contact = db.session.get_one(Contact, kept)
        assert (contact.name, contact.external_id) == ("Maya Chen", "S-9")
        assert contact.custom == {"1": "Biology", "2": "2027"}


def test_two_people_who_merge_the_same_pair_at_once_merge_it_once(world: World) -> None:
    one, other = world.add_contact(), world.add_contact()
    opt(world, one, IN)
    opt(world, other, OUT)
    went: list[str] = []

    def act(kept: int, gone: int) -> None:
        try:
            merge(world, kept, gone)
            went.append("merged")
        except Gone:
            went.append("gone")

    threads = [threading.Thread(target=act, args=pair) for pair in ((one, other), (other, one)) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(went) == ["gone", "gone", "gone", "merged"]
    with world.session():
        left = db.session.scalars(select(Contact).where(Contact.id.in_((one, other)))).all()
        (kept,) = [contact.id for contact in left if contact.gone_at is None]
    assert world.status(kept) == OUT


def test_a_stop_in_the_middle_of_a_merge_is_never_lost(world: World) -> None:
    for _ in range(4):
        number = new_number()
        kept = world.add_contact()
        opt(world, kept, IN)
        gone = world.contact_id_of(world.text(number, "Hello").conversation_id)
        threads = [
            threading.Thread(target=merge, args=(world, kept, gone)),
            threading.Thread(target=world.text, args=(number, "STOP")),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert world.status(kept) == OUT
        assert world.status(gone) is None


def test_a_merge_takes_campaigns_and_texts_for_later_along(world: World) -> None:
    kept, gone = new_number(), new_number()
    kept_id = world.contact_id_of(world.text(kept, "Hello").conversation_id)
    conversation_id = world.text(gone, "Hello").conversation_id
    gone_id = world.contact_id_of(conversation_id)
    alone = add_campaign(world, Segment(Who.PICKED, contact_ids=(gone_id,)))
    both = add_campaign(world, Segment(Who.PICKED, contact_ids=(kept_id, gone_id)))
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        conversation = db.session.get_one(Conversation, conversation_id)
        later.schedule_text(user, conversation, "See you", datetime.now(UTC) + timedelta(days=1))
    merge(world, kept_id, gone_id)
    with world.session():
        waiting = select(Recipient.campaign_id, Recipient.contact_id).where(Recipient.state == "waiting")
        assert set(db.session.execute(waiting).tuples()) == {(alone, kept_id), (both, kept_id)}
        assert db.session.get_one(Campaign, alone).segment["contact_ids"] == [kept_id]
        assert db.session.get_one(Campaign, both).segment["contact_ids"] == [kept_id]
        (text,) = db.session.scalars(select(ScheduledText)).all()
        assert text.conversation.contact_id == kept_id
