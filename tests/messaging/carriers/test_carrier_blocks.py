"""Blocks of the carriers', beside consent: whom they reach, and until when."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from cadence_app.consent import blocks
from cadence_app.consent.may_text import Bar
from cadence_app.consent.models import BlockScope
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import providers
from cadence_app.messaging.carriers.jobs import reconcile_account
from cadence_app.messaging.models import MessageKind, MessageState
from cadence_app.messaging.providers.base import BlockReach, KeywordAnswers
from cadence_app.messaging.sending import refusal
from tests.consent.numbers import add_by_hand
from tests.contacts import importing
from tests.messaging.carriers.api import Api, carrier_api
from tests.messaging.carriers.ends import CODES, ENDS
from tests.messaging.carriers.posting import Line
from tests.messaging.carriers.talking import Talk
from tests.records.people import text_at
from tests.world import World, new_number

BLOCKING = [code for code in CODES if ENDS[code].block]
OF_AN_ACCOUNT = [code for code in CODES if providers.driver(code).block_reach == BlockReach.ACCOUNT]


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    with carrier_api(world.app) as api:
        yield api


@pytest.mark.parametrize("carrier", OF_AN_ACCOUNT)
def test_start_lifts_a_carriers_block_where_cadence_answers_keywords_too(
    carrier: str, world: World, api: Api
) -> None:
    line = Line(world, carrier, KeywordAnswers.OURS).open()
    talk = Talk(line)
    api.plan = [line.end.block]
    talk.send()
    assert "carrier blocks" in str(talk.refusal())
    line.text(talk.number, "START")
    assert talk.refusal() is None


def test_a_start_that_aws_did_not_act_on_shows_by_the_next_text(world: World, api: Api) -> None:
    talk = Talk(line := Line(world, "aws").open())
    api.plan = [line.end.block]
    talk.send()
    line.text(talk.number, "START", messageKeyword="KEYWORD_123456789012")
    assert talk.refusal() is None
    api.plan = [line.end.block]
    assert "blocks" in talk.send().detail
    assert "carrier blocks" in str(talk.refusal())


@pytest.mark.parametrize("carrier", BLOCKING)
def test_a_block_of_the_carriers_stands_beside_consent_and_takes_back_what_waits(
    carrier: str, world: World, api: Api
) -> None:
    talk = Talk(line := Line(world, carrier).open())
    first, waiting = talk.compose(), talk.compose("A second one")
    api.plan = [line.end.block]
    message = talk.state(talk.deliver(first))
    assert message.detail == "The carrier blocks this number: its owner texted STOP to yours."
    assert world.status(talk.contact_id) == "opted_in"
    assert talk.refusal() == "The carrier blocks this number until the contact texts START to it."
    assert talk.state(waiting).state == MessageState.SUPPRESSED
    assert api.taken == []
    page = world.sign_in("agent").get(f"/contacts/{talk.contact_id}").text
    assert "Opted in" in page
    assert "blocks" in page


def test_a_block_that_a_receipt_tells_counts_too(world: World, api: Api) -> None:
    talk = Talk(Line(world, "twilio").open())
    talk.receipt(talk.send(), "undelivered", "21610")
    assert "carrier blocks" in str(talk.refusal())


@pytest.mark.parametrize("carrier", BLOCKING)
def test_stop_blocks_at_a_carrier_that_acts_itself_and_start_lifts_it_there(
    carrier: str, world: World, api: Api
) -> None:
    line = Line(world, carrier, KeywordAnswers.BUILT_IN).open()
    talk = Talk(line)
    line.text(talk.number, "stop")
    assert talk.bars() == (Bar.OPTED_OUT, Bar.CARRIER_BLOCK)
    line.text(talk.number, "OPT OUT!")
    with world.session():
        assert blocks.blocked(talk.contact_id, BlockScope.CARRIER_NUMBER, _inbox_id(world), talk.number)
    line.text(talk.number, "Start")
    assert talk.refusal() is None
    assert talk.send().state == MessageState.SENT


def _inbox_id(world: World) -> int:
    return db.session.scalars(select(Inbox.id).where(Inbox.number == world.shared)).one()


def test_an_agents_opt_in_says_that_the_carrier_still_blocks(world: World, api: Api) -> None:
    line = Line(world, "twilio", KeywordAnswers.BUILT_IN).open()
    talk = Talk(line)
    line.text(talk.number, "stop")
    agent = world.sign_in("agent")
    agent.get(f"/contacts/{talk.contact_id}")
    path = f"/contacts/{talk.contact_id}/teams/{world.team_id}/consent"
    agent.post(path, {"status": "opted_in", "reason": "Called us."})
    assert world.status(talk.contact_id) == "opted_in"
    assert "carrier blocks" in str(talk.refusal())


@pytest.mark.parametrize("carrier", OF_AN_ACCOUNT)
def test_a_block_of_a_profile_or_list_reaches_every_inbox_of_the_account_and_the_page_warns(
    carrier: str, world: World, api: Api
) -> None:
    line = Line(world, carrier, KeywordAnswers.BUILT_IN).open(also=world.other_shared)
    talk = Talk(line)
    line.text(talk.number, "STOP")
    with world.session():
        inbox_ids = db.session.scalars(select(Inbox.id).where(Inbox.carrier_account_id == line.account_id))
        blocked = [
            blocks.blocked(talk.contact_id, BlockScope.CARRIER_NUMBER, inbox_id, talk.number)
            for inbox_id in inbox_ids
        ]
    assert blocked == [True, True]
    page = world.sign_in("admin").get("/settings/carriers/").text
    assert "Admissions and Aid share" in page


@pytest.mark.parametrize("carrier", [code for code in CODES if ENDS[code].has_list])
def test_the_carriers_list_adds_blocks_and_takes_none_away(carrier: str, world: World, api: Api) -> None:
    talk, other = Talk(line := Line(world, carrier).open()), Talk(line)
    with world.session():
        blocks.block(other.contact_id, BlockScope.CARRIER_NUMBER, _inbox_id(world), other.number)
        db.session.commit()
    api.blocked = [new_number(), new_number(), talk.number]
    for _ in range(2):
        with world.app.app_context():
            reconcile_account(world.tenant_id, line.account_id)
    assert "carrier blocks" in str(talk.refusal())
    assert "carrier blocks" in str(other.refusal())
    assert world.status(talk.contact_id) == "opted_in"
    assert len(world.history(talk.contact_id)) == 1


def refused(world: World, contact_id: int) -> str:
    with world.session():
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        return str(refusal(inbox, contact_id, MessageKind.PERSON))


def _by_hand(world: World, number: str) -> int:
    return add_by_hand(world, number)


def _by_a_file(world: World, number: str) -> int:
    importing.run(world, importing.csv_of(("Nora", "New", "", number, "ADM", "no")))
    return world.contact_id(number)


def _as_the_number_of_somebody_known(world: World, number: str) -> int:
    contact_id = add_by_hand(world, new_number())
    text_at(world, contact_id, number, "Signed form 12.")
    return contact_id


@pytest.mark.parametrize("way", [_by_hand, _by_a_file, _as_the_number_of_somebody_known])
def test_whoever_gets_a_number_that_a_carrier_blocks_is_shown_blocked_at_once(
    world: World, api: Api, way: Callable[[World, str], int]
) -> None:
    talk = Talk(line := Line(world, "telnyx").open())
    with world.session():
        blocks.block_number(talk.contact_id, _inbox_id(world), talk.number)
        db.session.commit()
    text_at(world, talk.contact_id, new_number(), "Signed form 12.")
    assert "carrier blocks" not in refused(world, talk.contact_id)
    holder = way(world, talk.number)
    assert "carrier blocks" in refused(world, holder)
    assert "The carrier" in world.sign_in("admin").get(f"/contacts/{holder}").text
    line.text(talk.number, "START")
    assert "carrier blocks" not in refused(world, holder)
    # And so for who has it after them, or again.
    text_at(world, holder, new_number())
    text_at(world, talk.contact_id, talk.number, "Signed form 13.")
    assert "carrier blocks" not in refused(world, talk.contact_id)


def test_a_receipt_that_comes_after_the_number_has_changed_blocks_the_number_that_was_texted(
    world: World, api: Api
) -> None:
    talk = Talk(Line(world, "telnyx").open())
    sent = talk.send()
    text_at(world, talk.contact_id, later := new_number(), "Signed form 12.")
    holder = add_by_hand(world, talk.number)
    talk.receipt(sent, "failed", "40300")
    assert "carrier blocks" in refused(world, holder)
    assert "carrier blocks" not in refused(world, talk.contact_id)
    text_at(world, talk.contact_id, new_number())
    assert "carrier blocks" not in refused(world, add_by_hand(world, later))
