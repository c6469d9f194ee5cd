"""May this inbox text this person: one order of bars, the same for one person as for many."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, select

from cadence_app.accounts.models import Tenant, User
from cadence_app.campaigns.models import Reason
from cadence_app.consent import may_text
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.may_text import BARS, Bar, Columns, InboxFacts, Kind, Stored, TenantFacts
from cadence_app.consent.models import Block, BlockScope, Source, Status
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import bars, later
from cadence_app.messaging.models import Conversation, LaterState, MessageKind, ScheduledText, Unsent
from cadence_app.messaging.sending import compose, deliver, refusal
from tests.consent.test_may_text_worlds import of_a_campaign
from tests.records.people import IN, OUT
from tests.waiting import until_somebody_waits
from tests.world import World, new_number

SHARED = InboxFacts(id=1, team_id=1, personal=False, closed=False)
PERSONAL = replace(SHARED, personal=True)
OPEN, SUSPENDED = TenantFacts(suspended=False), TenantFacts(suspended=True)
# Of whom nothing bars anything, and of whom everything does.
WELCOME = Stored(
    "+12125550142", IN, IN, unsendable=False, personal_stop=False, carrier_blocks=False, flagged=False
)
UNWELCOME = Stored(
    "+12125550142", OUT, OUT, unsendable=True, personal_stop=True, carrier_blocks=True, flagged=True
)
CLOSED_PERSONAL = replace(PERSONAL, closed=True)


@pytest.mark.parametrize(
    ("kind", "stored", "met"),
    [
        (
            Kind.AUTOMATED,
            UNWELCOME,
            (
                *(Bar.INBOX_CLOSED, Bar.ORGANISATION_SUSPENDED, Bar.NUMBER_UNSENDABLE, Bar.OPTED_OUT),
                *(Bar.PERSONAL_OPT_OUT, Bar.CARRIER_BLOCK, Bar.POSSIBLE_OPT_OUT),
            ),
        ),
        (
            Kind.BY_HAND,
            replace(UNWELCOME, status=None),
            (
                *(Bar.NOT_IN_TEAM, Bar.INBOX_CLOSED, Bar.ORGANISATION_SUSPENDED, Bar.NUMBER_UNSENDABLE),
                *(Bar.PERSONAL_OPT_OUT, Bar.CARRIER_BLOCK),
            ),
        ),
        (
            Kind.CONFIRMATION,
            replace(UNWELCOME, confirmed=IN),
            (Bar.INBOX_CLOSED, Bar.NUMBER_UNSENDABLE, Bar.OPTED_IN_AGAIN, Bar.CARRIER_BLOCK),
        ),
        (Kind.CONFIRMATION, UNWELCOME, (Bar.INBOX_CLOSED, Bar.NUMBER_UNSENDABLE, Bar.CARRIER_BLOCK)),
    ],
)
def test_every_bar_is_met_in_the_one_order(kind: Kind, stored: Stored, met: tuple[Bar, ...]) -> None:
    assert may_text.decide(may_text.Text(CLOSED_PERSONAL, SUSPENDED, kind), stored) == met


BUT_CONFIRMATIONS = {Kind.BY_HAND, Kind.AUTOMATED, Kind.ANSWER}
ALONE = [
    (Bar.NOT_IN_TEAM, SHARED, OPEN, {"status": None}, BUT_CONFIRMATIONS),
    (Bar.INBOX_CLOSED, replace(SHARED, closed=True), OPEN, {}, set(Kind)),
    (Bar.ORGANISATION_SUSPENDED, SHARED, SUSPENDED, {}, BUT_CONFIRMATIONS),
    (Bar.NUMBER_UNSENDABLE, SHARED, OPEN, {"unsendable": True}, set(Kind)),
    (Bar.OPTED_OUT, SHARED, OPEN, {"status": OUT}, BUT_CONFIRMATIONS),
    (Bar.OPTED_IN_AGAIN, SHARED, OPEN, {"confirmed": IN}, {Kind.CONFIRMATION}),
    (
        Bar.PERSONAL_OPT_OUT,
        PERSONAL,
        OPEN,
        {"personal_stop": True},
        {Kind.BY_HAND, Kind.AUTOMATED, Kind.ANSWER},
    ),
    (Bar.CARRIER_BLOCK, SHARED, OPEN, {"carrier_blocks": True}, set(Kind)),
    (Bar.POSSIBLE_OPT_OUT, SHARED, OPEN, {"flagged": True}, {Kind.AUTOMATED, Kind.ANSWER}),
]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(("bar", "inbox", "tenant", "what", "kinds"), ALONE)
def test_a_bar_stops_these_kinds_of_text_and_no_other(
    bar: Bar, inbox: InboxFacts, tenant: TenantFacts, what: dict[str, Any], kinds: set[Kind], kind: Kind
) -> None:
    stored = replace(WELCOME, **{"confirmed": OUT} | what)
    met = may_text.decide(may_text.Text(inbox, tenant, kind), stored)
    assert met == ((bar,) if kind in kinds else ())


def test_nothing_bars_a_shared_inbox_because_of_personal_ones() -> None:
    for kind in (Kind.BY_HAND, Kind.AUTOMATED, Kind.ANSWER):
        assert may_text.decide(may_text.Text(SHARED, OPEN, kind), replace(WELCOME, personal_stop=True)) == ()


def test_each_bar_stands_in_the_list_once_and_has_its_words_and_its_code_everywhere(world: World) -> None:
    assert [rule.bar for rule in BARS] == list(Bar) == [each[0] for each in ALONE]
    assert [field.name for field in fields(Stored)] == [field.name for field in fields(Columns)]
    assert {bar.value for bar in Bar} <= {each.value for each in Unsent}
    text = may_text.Text(CLOSED_PERSONAL, SUSPENDED, Kind.AUTOMATED)
    met = [rule.bar.value for rule in BARS if rule.concerns(text)]
    assert [each.value for each in Reason if each != Reason.DUPLICATE] == met
    with world.session():
        for inbox in db.session.scalars(select(Inbox)):
            assert len({bars.words_of(bar, inbox) for bar in Bar}) == len(Bar)


def test_after_stop_to_a_toll_free_inbox_screen_list_and_record_name_the_opt_out_first(
    world: World,
) -> None:
    number = new_number()
    world.text(number, "hi", world.toll_free)
    talk = world.text(number, "STOP", world.toll_free)
    contact_id = world.contact_id(number)
    with world.session():
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.toll_free)).one()
        met = bars.ask(inbox, contact_id, Kind.AUTOMATED).bars
        assert met == (Bar.OPTED_OUT, Bar.CARRIER_BLOCK)
        assert of_a_campaign(world, inbox, [contact_id]) == [Bar.OPTED_OUT]
        conversation = db.session.get_one(Conversation, talk.conversation_id)
        kept = compose(db.session.get_one(User, world.agent_id), conversation, "Hello")
        assert (kept.unsent_reason, kept.detail) == (
            Unsent.OPTED_OUT,
            "The contact is opted out of Admissions.",
        )
        db.session.rollback()
    page = world.sign_in("agent").get(f"/messages/conversations/{talk.conversation_id}").text
    _, _, composer = page.partition('id="composer-why"')
    first, second = "The contact is opted out of Admissions.", "The toll-free network blocks this number"
    assert 0 < composer.index(first) < composer.index(second) < composer.index("</form>")


def test_a_text_to_another_number_of_theirs_meets_what_bars_that_number(world: World) -> None:
    number, further = new_number(), new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    with world.session():
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        db.session.add(
            Block(
                tenant_id=world.tenant_id,
                contact_id=contact_id,
                scope=BlockScope.CARRIER_NUMBER,
                inbox_id=inbox.id,
                number=further,
            )
        )
        db.session.flush()
        assert bars.ask(inbox, contact_id, Kind.ANSWER).bars == ()
        assert bars.ask(inbox, contact_id, Kind.ANSWER, number=further).bars == (Bar.CARRIER_BLOCK,)
        db.session.rollback()


def test_who_asks_under_the_lock_sees_what_was_said_while_it_waited(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id, answers = world.contact_id(number), []

    def ask() -> None:
        with world.session():
            inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
            answers.append(bars.ask(inbox, contact_id, Kind.BY_HAND, lock=True).bar)

    with world.session():
        lock_contacts([contact_id])
        asking = threading.Thread(target=ask)
        asking.start()
        until_somebody_waits()
        record_change(
            Change(contact_id, world.team_id, Status.OPTED_OUT, Source.TOGGLE, user_id=world.agent_id)
        )
        db.session.commit()
    asking.join(timeout=60)
    assert answers == [Bar.OPTED_OUT]


@contextmanager
def _statements() -> Iterator[list[str]]:
    said: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        said.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield said
    event.remove(db.engine, "before_cursor_execute", note)


def test_asking_of_one_person_is_one_statement_and_one_more_under_the_lock(world: World) -> None:
    talk = world.text(new_number(), "hi")
    contact_id = world.contact_id_of(talk.conversation_id)
    with world.session():
        for number in (world.shared, world.personal):
            inbox = db.session.scalars(select(Inbox).where(Inbox.number == number)).one()
            # As the page's user has it.
            tenant = db.session.get_one(Tenant, world.tenant_id)
            for lock in (False, True):
                with _statements() as said:
                    refusal(inbox, contact_id, MessageKind.PERSON, by_hand=False, lock=lock)
                assert len(said) == 1 + lock, tenant
        message = compose(
            db.session.get_one(User, world.agent_id),
            db.session.get_one(Conversation, talk.conversation_id),
            "Hi",
        )
        db.session.commit()
        message_id = message.id
    with world.session():
        with _statements() as said:
            deliver(message_id)
        # A batch takes as many, and as many again to write what came of it, and no more for each text.
        assert len(said) <= 17


def test_a_text_whose_time_has_come_is_held_by_the_bar_and_not_by_its_words(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bars._WORDS, Bar.POSSIBLE_OPT_OUT, "Words may change.")
    assert _after_take_up(world, "please stop texting me") == LaterState.HELD
    assert _after_take_up(world, "STOP") == LaterState.SENT


def _after_take_up(world: World, words: str) -> str:
    number = new_number()
    talk = world.text(number, "hi")
    with world.session():
        conversation = db.session.get_one(Conversation, talk.conversation_id)
        user = db.session.get_one(User, world.agent_id)
        text_id = later.schedule_text(user, conversation, "Hello", datetime.now(UTC)).id
    world.text(number, words)
    with world.session():
        assert later.take_up(text_id) is None
        return str(db.session.get_one(ScheduledText, text_id).state)
