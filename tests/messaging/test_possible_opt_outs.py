"""Words that read like an opt out: what flags them, what they hold, and what closes the flag."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy import select

from cadence_app.accounts.models import PossibleOptOutPolicy, Tenant, User
from cadence_app.consent import blocks, by_user, possible
from cadence_app.consent.intent import classifier
from cadence_app.consent.models import BlockScope, Decision, PossibleOptOut, Status
from cadence_app.extensions import db
from cadence_app.messaging.models import MessageKind
from cadence_app.messaging.sending import refusal
from tests.messaging.words import inbox_of, replies
from tests.world import World, new_number


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
        assert refusal(inbox_of(world.shared), contact_id, MessageKind.PERSON) is None
        agent = db.session.get_one(User, world.agent_id)
        assert possible.dismiss(agent, contact_id, world.team_id, flag.message_id)
        db.session.commit()
        assert refusal(inbox_of(world.shared), contact_id, MessageKind.HELP_REPLY) is None
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
        assert refusal(inbox_of(world.shared), row.contact_id, MessageKind.HELP_REPLY)


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


def test_where_words_count_as_an_opt_out_a_first_text_of_such_records_no_consent(world: World) -> None:
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).possible_opt_out_policy = PossibleOptOutPolicy.OPT_OUT
        db.session.commit()
    number = new_number()
    received = world.text(number, "take me off this list", world.personal)
    (row,) = world.history(world.contact_id(number))
    assert (row.status, row.source) == ("opted_out", "keyword")
    assert replies(world, received.conversation_id) == [("opt_out_reply", "delivered")]
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
