"""The rules of consent, by what a phone sends and an inbox does."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from cadence_app.accounts.models import PossibleOptOutPolicy, Team, Tenant, User
from cadence_app.consent import blocks, by_user, joining, possible
from cadence_app.consent.intent import classifier
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.ledger import lock_contacts
from cadence_app.consent.models import BlockScope, Decision, PossibleOptOut, Source, Status
from cadence_app.consent.own_keywords import add_keyword
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.conversations import conversation_with
from cadence_app.messaging.inbound import Received, UnknownInbox, receive_text
from cadence_app.messaging.models import Conversation, Message, MessageKind, MessageState
from cadence_app.messaging.sending import compose, deliver, refusal
from tests.world import World, new_number


def _inbox(number: str) -> Inbox:
    return db.session.scalars(select(Inbox).where(Inbox.number == number)).one()


def _replies(world: World, conversation_id: int) -> list[tuple[str, str]]:
    return [(m.kind, m.state) for m in world.messages(conversation_id) if m.direction == "outbound"]


def test_a_first_text_from_an_unknown_number_opts_in(world: World) -> None:
    number = new_number()
    received = world.text(number, "Is the library open?")
    (row,) = world.history(world.contact_id(number))
    assert (row.status, row.source, row.number, row.team_code) == ("opted_in", "cold_inbound", number, "ADM")
    assert (row.first_name, row.external_id, row.words) == ("", "", "Is the library open?")
    assert _replies(world, received.conversation_id) == []


def test_a_first_text_that_is_an_opt_out_word_is_one_opted_out_row(world: World) -> None:
    number = new_number()
    received = world.text(number, "Stop.")
    (row,) = world.history(world.contact_id(number))
    assert (row.status, row.source) == ("opted_out", "keyword")
    assert _replies(world, received.conversation_id) == [("opt_out_reply", "delivered")]


def test_stop_sends_one_confirmation_that_names_the_organisation_and_then_nothing(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    received = world.text(number, "STOP")
    world.text(number, "STOP")
    world.text(number, "HELP")
    replies = [m for m in world.messages(received.conversation_id) if m.direction == "outbound"]
    assert [(m.kind, m.state) for m in replies] == [
        ("opt_out_reply", "delivered"),
        ("help_reply", "suppressed"),
    ]
    assert world.name in replies[0].body
    assert "opted out" in replies[1].detail


def test_start_and_yes_opt_an_opted_out_contact_in_and_welcome_them_once(world: World) -> None:
    number = new_number()
    world.text(number, "STOP")
    world.text(number, "yes")
    world.text(number, "STOP")
    received = world.text(number, "Start!")
    world.text(number, "START")
    contact_id = world.contact_id(number)
    assert [row.status for row in world.history(contact_id)] == [
        *("opted_out", "opted_in", "opted_out", "opted_in")
    ]
    assert _replies(world, received.conversation_id).count(("opt_in_reply", "delivered")) == 2


def test_yes_from_an_opted_in_contact_is_an_ordinary_text(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    received = world.text(number, "YES")
    assert len(world.history(world.contact_id(number))) == 1
    assert _replies(world, received.conversation_id) == []


def test_the_same_provider_message_id_twice_is_one_message(world: World) -> None:
    number = new_number()
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(world.text(number, "STOP", message_id="abc")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(o.duplicate for o in outcomes) == [False] + [True] * 7
    messages = world.messages(outcomes[0].conversation_id)
    assert [m.kind for m in messages] == ["person", "opt_out_reply"]
    assert len(world.history(world.contact_id(number))) == 1


def test_a_text_to_a_number_nobody_has_is_refused(world: World) -> None:
    with pytest.raises(UnknownInbox):
        world.text(new_number(), "hi", inbox=new_number())


def test_a_keyword_to_a_shared_inbox_counts_for_that_team_only(world: World) -> None:
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        world.text(number, "hi", inbox)
    world.text(number, "STOP", world.shared)
    contact_id = world.contact_id(number)
    assert world.status(contact_id, world.team_id) == "opted_out"
    assert world.status(contact_id, world.other_team_id) == "opted_in"


def test_a_keyword_to_a_personal_inbox_bars_every_personal_inbox_but_no_other_teams_shared_one(
    world: World,
) -> None:
    number = new_number()
    for inbox in (world.personal, world.other_personal, world.other_shared):
        world.text(number, "hi", inbox)
    world.text(number, "STOP", world.personal)
    contact_id = world.contact_id(number)

    def may(inbox: str) -> bool:
        with world.session():
            return refusal(_inbox(inbox), contact_id, MessageKind.PERSON) is None

    assert world.status(contact_id, world.team_id) == "opted_out"
    assert [row.team_code for row in world.history(contact_id) if row.status == "opted_out"] == ["ADM"]
    assert (may(world.personal), may(world.other_personal), may(world.other_shared)) == (False, False, True)
    world.text(number, "START", world.other_personal)
    assert (may(world.personal), may(world.other_personal)) == (False, True)
    assert world.status(contact_id, world.team_id) == "opted_out"


@pytest.mark.parametrize("word", ["STOPALL", "stop all"])
def test_stopall_opts_out_of_every_team_with_a_row_for_each_that_changes(world: World, word: str) -> None:
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        world.text(number, "hi", inbox)
    world.text(number, word, world.shared)
    contact_id = world.contact_id(number)
    for team_id in (world.team_id, world.other_team_id):
        assert [row.status for row in world.history(contact_id, team_id)] == ["opted_in", "opted_out"]


def test_who_stopped_every_team_is_not_opted_in_by_being_added_to_another(world: World) -> None:
    number = new_number()
    world.text(number, "STOPALL", world.shared)
    contact_id = world.contact_id(number)
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        joining.add_by_user(admin, contact_id, world.other_team_id)
        db.session.commit()
        with pytest.raises(by_user.ReasonRequired):
            by_user.set_by_user(admin, contact_id, world.other_team_id, Status.OPTED_IN)
    (row,) = world.history(contact_id, world.other_team_id)
    assert (row.status, row.source) == ("opted_out", "manual_add")


@pytest.mark.parametrize(("begins", "everywhere"), [(None, True), ("yesterday", True), ("tomorrow", False)])
def test_the_organisation_policy_makes_any_keyword_count_everywhere_from_its_day_on(
    world: World, begins: str | None, everywhere: bool
) -> None:
    day = {"yesterday": func.current_date() - 1, "tomorrow": func.current_date() + 2, None: None}[begins]
    with world.session():
        db.session.execute(
            update(Tenant)
            .where(Tenant.id == world.tenant_id)
            .values(keyword_policy="organisation", keyword_policy_from=day)
        )
        db.session.commit()
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        world.text(number, "hi", inbox)
    world.text(number, "Stop", world.shared)
    other = world.status(world.contact_id(number), world.other_team_id)
    assert other == ("opted_out" if everywhere else "opted_in")


def test_a_toll_free_block_is_lifted_by_start_and_not_by_yes(world: World) -> None:
    number = new_number()
    world.text(number, "hi", world.toll_free)
    stopped = world.text(number, "STOP", world.toll_free)
    contact_id = world.contact_id(number)
    assert _replies(world, stopped.conversation_id)[-1] == ("opt_out_reply", "suppressed")
    world.text(number, "YES", world.toll_free)
    yes = world.messages(stopped.conversation_id)
    assert "until they text START" in next(m for m in yes if m.body == "YES").detail
    with world.session():
        assert world.status(contact_id) == "opted_in"
        assert "toll-free" in (refusal(_inbox(world.toll_free), contact_id, MessageKind.PERSON) or "")
        assert refusal(_inbox(world.shared), contact_id, MessageKind.PERSON) is None
    world.text(number, "UNSTOP", world.toll_free)
    with world.session():
        assert refusal(_inbox(world.toll_free), contact_id, MessageKind.PERSON) is None


def test_an_own_word_counts_for_its_team_and_a_built_in_one_can_not_be_redefined(world: World) -> None:
    with world.session():
        add_keyword(None, "¡Alto!", Meaning.OUT, db.session.get_one(Team, world.team_id))
        db.session.commit()
        for word in ("STOP", "Help", "..."):
            with pytest.raises(ValueError, match="keyword"):
                add_keyword(None, word, Meaning.IN, None)
    first, second = new_number(), new_number()
    world.text(first, "alto", world.shared)
    world.text(second, "alto", world.other_shared)
    assert world.status(world.contact_id(first), world.team_id) == "opted_out"
    assert world.status(world.contact_id(second), world.other_team_id) == "opted_in"


def test_words_that_read_like_an_opt_out_are_flagged_and_hold_automated_texts_until_decided(
    world: World,
) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "please stop texting me")
    helped = world.text(number, "HELP")
    contact_id = world.contact_id(number)
    assert world.status(contact_id) == "opted_in"
    held = world.messages(helped.conversation_id)[-1]
    assert (held.kind, held.state) == ("help_reply", "suppressed")
    with world.session():
        flag = possible.open_flag(contact_id, world.team_id)
        assert flag is not None
        assert flag.words == "please stop texting me"
        received_on = flag.received_at.astimezone(ZoneInfo("America/New_York")).date()
        assert flag.due_on == possible.business_day_after(received_on, 10)
        assert refusal(_inbox(world.shared), contact_id, MessageKind.PERSON) is None
        agent = db.session.get_one(User, world.agent_id)
        assert possible.dismiss(agent, contact_id, world.team_id, flag.message_id)
        db.session.commit()
        assert refusal(_inbox(world.shared), contact_id, MessageKind.HELP_REPLY) is None
        decided = db.session.scalars(select(PossibleOptOut)).one()
        assert (decided.decision, decided.decided_by_id) == (Decision.DISMISSED, world.agent_id)


def test_the_card_names_the_words_that_raised_the_flag(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    flagged = world.text(number, "I love the school but PLEASE don\u2019t text me again, thx")
    page = world.sign_in("agent").get(f"/messages/conversations/{flagged.conversation_id}").text
    assert "Flagged by the words “dont text me”." in page


_NO_PHRASE = "the consent I gave for these is withdrawn as of today"


def test_the_card_and_the_queue_name_the_classifier_that_raised_the_flag(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    flagged = world.text(number, _NO_PHRASE)
    version = classifier.load().version
    client = world.sign_in("agent")
    for path in (f"/messages/conversations/{flagged.conversation_id}", "/messages/possible-opt-outs/"):
        assert f"Flagged by the classifier, version {version}" in client.get(path).text
    with world.session():
        flag = possible.open_flag(world.contact_id(number), world.team_id)
        assert flag
        assert (flag.phrases, flag.classifier) == ("", version)


def test_a_flag_keeps_what_raised_it_for_each_of_its_texts(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    for words in ("please stop texting me", _NO_PHRASE, "wrong number"):
        world.text(number, words)
    with world.session():
        flag = possible.open_flag(world.contact_id(number), world.team_id)
        assert flag
        assert (flag.phrases, flag.classifier) == ("stop texting\nwrong number", classifier.load().version)


def test_the_classifier_opts_nobody_out_whatever_the_policy(world: World) -> None:
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).possible_opt_out_policy = PossibleOptOutPolicy.OPT_OUT
        db.session.commit()
    number = new_number()
    world.text(number, _NO_PHRASE)
    (row,) = world.history(world.contact_id(number))
    assert (row.status, row.source) == ("opted_in", "cold_inbound")
    with world.session():
        assert possible.open_flag(row.contact_id, world.team_id)
        assert refusal(_inbox(world.shared), row.contact_id, MessageKind.HELP_REPLY)


def test_opting_out_closes_the_flag_whoever_does_it(world: World) -> None:
    for close in ("toggle", "STOP"):
        number = new_number()
        world.text(number, "hi")
        world.text(number, "take me off this list")
        contact_id = world.contact_id(number)
        if close == "STOP":
            world.text(number, "STOP")
        else:
            with world.session():
                agent = db.session.get_one(User, world.agent_id)
                by_user.set_by_user(agent, contact_id, world.team_id, Status.OPTED_OUT)
                db.session.commit()
        with world.session():
            assert possible.open_flag(contact_id, world.team_id) is None


def test_a_tenant_may_let_such_words_opt_out_by_themselves(world: World) -> None:
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).possible_opt_out_policy = PossibleOptOutPolicy.OPT_OUT
        db.session.commit()
    number = new_number()
    world.text(number, "hi")
    world.text(number, "please stop texting me")
    last = world.history(world.contact_id(number))[-1]
    assert (last.status, last.source, last.words) == ("opted_out", "keyword", "please stop texting me")


def test_after_a_keyword_an_opt_in_by_a_user_takes_a_reason_and_after_a_toggle_it_does_not(
    world: World,
) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)

    def toggle(status: Status, reason: str = "") -> None:
        with world.session():
            agent = db.session.get_one(User, world.agent_id)
            by_user.set_by_user(agent, contact_id, world.team_id, status, reason)
            db.session.commit()

    toggle(Status.OPTED_OUT)
    toggle(Status.OPTED_IN)
    world.text(number, "STOP")
    with pytest.raises(by_user.ReasonRequired):
        toggle(Status.OPTED_IN, "  ")
    toggle(Status.OPTED_IN, "Signed the form at the desk.")
    last = world.history(contact_id)[-1]
    assert (last.source, last.reason, last.user_name) == (
        "toggle",
        "Signed the form at the desk.",
        "Agent Person",
    )


def _opt_out_by_hand(world: World, contact_id: int) -> None:
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        by_user.set_by_user(agent, contact_id, world.team_id, Status.OPTED_OUT)
        db.session.commit()


def test_a_stop_after_a_manual_opt_out_makes_a_reason_necessary_without_another_row(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    _opt_out_by_hand(world, contact_id)
    world.text(number, "STOP")
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        with pytest.raises(by_user.ReasonRequired):
            by_user.set_by_user(agent, contact_id, world.team_id, Status.OPTED_IN)
    assert len(world.history(contact_id)) == 2


def test_a_stop_between_composing_and_sending_wins_and_the_text_is_kept_as_suppressed(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    with world.session():
        conversation = conversation_with(_inbox(world.shared), contact_id)
        message = compose(db.session.get_one(User, world.agent_id), conversation, "See you at ten!")
        db.session.commit()
        message_id, state = message.id, message.state
    world.text(number, "STOP")
    with world.session():
        deliver(message_id)
        late = db.session.get_one(Message, message_id)
        assert (state, late.state) == (MessageState.QUEUED, MessageState.SUPPRESSED)
        assert "opted out" in late.detail


def test_composing_to_an_opted_out_contact_is_recorded_as_suppressed(world: World) -> None:
    number = new_number()
    world.text(number, "STOP")
    with world.session():
        conversation = conversation_with(_inbox(world.shared), world.contact_id(number))
        message = compose(db.session.get_one(User, world.agent_id), conversation, "Hello?")
        db.session.commit()
        assert (message.state, message.body) == (MessageState.SUPPRESSED, "Hello?")


def test_a_confirmation_that_could_not_go_within_five_minutes_is_dropped(world: World) -> None:
    number = new_number()
    with world.app.app_context():
        from_phone = world.text(number, "hi")
    with world.session():
        conversation = db.session.get_one(Conversation, from_phone.conversation_id)
        late = Message(
            tenant_id=world.tenant_id,
            conversation_id=conversation.id,
            inbox_id=conversation.inbox_id,
            direction="outbound",
            kind=MessageKind.OPT_OUT_REPLY,
            body="You are opted out.",
            state=MessageState.QUEUED,
            expires_at=func.now() - timedelta(seconds=1),
        )
        db.session.add(late)
        db.session.commit()
        deliver(late.id)
        assert (late.state, late.detail) == (
            MessageState.DROPPED,
            "Dropped: it could not go within five minutes.",
        )


def test_a_team_may_word_its_own_answers(world: World) -> None:
    with world.session():
        db.session.get_one(Team, world.team_id).opt_out_text = "Bye from Admissions."
        db.session.commit()
    received = world.text(new_number(), "STOP")
    assert world.messages(received.conversation_id)[-1].body == "Bye from Admissions."


def test_blocks_name_their_scope(world: World) -> None:
    number = new_number()
    world.text(number, "STOP ALL", world.personal)
    with world.session():
        scopes = {block.scope for block in blocks.blocks_of(world.contact_id(number))}
    assert scopes == {BlockScope.PERSONAL, BlockScope.ORGANISATION}
    assert world.history(world.contact_id(number))[0].source == Source.KEYWORD


def _sent_earlier(world: World, number: str, body: str, minutes: int) -> Received:
    """A text that the provider received that long ago and brings only now."""
    with world.app.app_context():
        sent_at = datetime.now(UTC) - timedelta(minutes=minutes)
        received = receive_text(world.shared, number, body, str(uuid.uuid4()), sent_at)
        if received.reply_id:
            deliver(received.reply_id)
        return received


def test_a_start_sent_before_the_last_stop_but_brought_after_it_changes_nothing(world: World) -> None:
    number = new_number()
    world.text(number, "STOP")
    late = _sent_earlier(world, number, "START", minutes=5)
    assert world.status(world.contact_id(number)) == "opted_out"
    assert "changes nothing" in world.messages(late.conversation_id)[-1].detail
    world.text(number, "START")
    assert world.status(world.contact_id(number)) == "opted_in"


def test_a_stop_brought_late_opts_out_and_its_five_minutes_run_from_when_it_was_sent(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    late = _sent_earlier(world, number, "STOP", minutes=180)
    assert world.status(world.contact_id(number)) == "opted_out"
    assert _replies(world, late.conversation_id) == [("opt_out_reply", "dropped")]


def test_a_confirmation_that_a_start_overtook_does_not_go(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    with world.app.app_context():
        stop = receive_text(world.shared, number, "STOP", str(uuid.uuid4()), datetime.now(UTC))
        receive_text(world.shared, number, "START", str(uuid.uuid4()), datetime.now(UTC))
        assert stop.reply_id
        deliver(stop.reply_id)
    assert _replies(world, stop.conversation_id)[0] == ("opt_out_reply", "suppressed")


def test_a_start_ends_the_stop_of_every_team_for_teams_they_join_later(world: World) -> None:
    number = new_number()
    world.text(number, "STOPALL", world.shared)
    world.text(number, "START", world.shared)
    world.text(number, "Hi, I would like to apply for aid", world.other_shared)
    contact_id = world.contact_id(number)
    (row,) = world.history(contact_id, world.other_team_id)
    assert (row.status, row.source) == ("opted_in", "cold_inbound")


def _late(world: World, number: str, body: str, minutes: int, inbox: str) -> Received:
    """A text that the provider had so many minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    with world.app.app_context():
        return receive_text(inbox, number, body, str(uuid.uuid4()), at)


def test_a_start_from_before_a_user_opted_them_out_changes_nothing(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    _opt_out_by_hand(world, contact_id)
    received = _late(world, number, "START", 1, world.shared)
    assert world.status(contact_id) == "opted_out"
    assert "before they were opted out" in world.messages(received.conversation_id)[-1].detail


def test_a_start_from_before_words_that_bar_more_than_a_team_leaves_the_bar(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    world.text(number, "STOPALL", world.other_personal)
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        by_user.set_by_user(agent, contact_id, world.team_id, Status.OPTED_IN, "Asked at the desk.")
        db.session.commit()
    _late(world, number, "START", 1, world.personal)
    with world.session():
        assert {each.scope for each in blocks.blocks_of(contact_id)} == {"organisation", "personal"}


def test_stop_and_start_that_both_come_late_count_in_the_order_they_were_said(world: World) -> None:
    number = new_number()
    _late(world, number, "STOPALL", 10, world.personal)
    _late(world, number, "START", 5, world.personal)
    contact_id = world.contact_id(number)
    assert world.status(contact_id) == "opted_in"
    with world.session():
        assert blocks.blocks_of(contact_id) == []


def test_the_first_own_stop_is_confirmed_though_a_user_was_first_and_a_second_one_is_not(
    world: World,
) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    _opt_out_by_hand(world, contact_id)
    world.text(number, "STOP")
    again = world.text(number, "STOP")
    messages = world.messages(again.conversation_id)
    assert [m.state for m in messages if m.kind == "opt_out_reply"] == ["delivered"]
    assert "No confirmation" in messages[-1].detail


def test_stopall_is_confirmed_where_only_another_teams_status_changes(world: World) -> None:
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        world.text(number, "hi", inbox)
    world.text(number, "STOP", world.shared)
    received = world.text(number, "STOPALL", world.shared)
    assert _replies(world, received.conversation_id) == [("opt_out_reply", "delivered")] * 2


def test_where_words_count_as_an_opt_out_a_first_text_of_such_records_no_consent(world: World) -> None:
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).possible_opt_out_policy = PossibleOptOutPolicy.OPT_OUT
        db.session.commit()
    number = new_number()
    received = world.text(number, "take me off this list", world.personal)
    (row,) = world.history(world.contact_id(number))
    assert (row.status, row.source) == ("opted_out", "keyword")
    assert _replies(world, received.conversation_id) == [("opt_out_reply", "delivered")]
    with world.session():
        assert blocks.blocked(row.contact_id, BlockScope.PERSONAL)


def test_a_dismissal_counts_for_what_was_read_and_not_for_what_came_since(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "please stop texting me")
    contact_id = world.contact_id(number)
    with world.session():
        first = possible.open_flag(contact_id, world.team_id)
        assert first
        read, due_on = first.message_id, first.due_on
    world.text(number, "take me off this list")
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        assert not possible.dismiss(agent, contact_id, world.team_id, read)
        flag = possible.open_flag(contact_id, world.team_id)
        assert flag
        assert flag.words.splitlines() == ["please stop texting me", "take me off this list"]
        assert flag.due_on == due_on
        assert possible.dismiss(agent, contact_id, world.team_id, flag.message_id)


def test_a_text_waits_for_a_stop_to_another_teams_personal_inbox_and_then_does_not_go(world: World) -> None:
    number = new_number()
    for inbox in (world.personal, world.other_personal):
        world.text(number, "hi", inbox)
    contact_id = world.contact_id(number)
    with world.session():
        conversation = conversation_with(_inbox(world.other_personal), contact_id)
        message = compose(db.session.get_one(User, world.admin_id), conversation, "See you!")
        db.session.commit()
        message_id = message.id
    with world.session():
        lock_contacts([contact_id])
        sender = threading.Thread(target=_deliver, args=(world, message_id))
        sender.start()
        # The STOP is read, and not yet committed, while the text is on its way out.
        blocks.block(contact_id, BlockScope.PERSONAL)
        sender.join(0.5)
        assert sender.is_alive()
        db.session.commit()
        sender.join()
        assert db.session.get_one(Message, message_id).state == MessageState.SUPPRESSED


def _deliver(world: World, message_id: int) -> None:
    with world.session():
        deliver(message_id)


def test_a_text_the_carrier_does_not_take_fails_and_is_not_tried_for_ever(world: World) -> None:
    number = new_number()
    received = world.text(number, "hi")
    with world.session():
        # No provider has this name: sending raises as one that is out of reach does.
        db.session.execute(update(Inbox).where(Inbox.number == world.shared).values(provider="gone"))
        conversation = db.session.get_one(Conversation, received.conversation_id)
        message = compose(db.session.get_one(User, world.agent_id), conversation, "Hello")
        db.session.commit()
        message_id = message.id
    _deliver(world, message_id)
    last = world.messages(received.conversation_id)[-1]
    assert (last.state, last.detail) == (
        MessageState.FAILED,
        "The settings of this inbox's carrier can't be used.",
    )
