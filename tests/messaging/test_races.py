"""Opt outs that arrive while a text is on its way out: hundreds of real interleavings, each with two
connections, and the carrier's own count of what it was given."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from cadence_app.accounts.models import User
from cadence_app.campaigns import jobs as campaign_jobs
from cadence_app.campaigns.models import Recipient, RecipientState
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import later, providers
from cadence_app.messaging.conversations import conversation_with
from cadence_app.messaging.inbound import receive_text
from cadence_app.messaging.models import Conversation, Direction, Message, MessageKind
from cadence_app.messaging.sending import compose, deliver
from tests import sizes
from tests.campaigns.carrier import NAME, CountingCarrier, counting_carrier, driver_at
from tests.campaigns.sending import (
    add_campaign,
    add_people,
    always_open,
    start,
    texted_after_opting_out,
)
from tests.world import World

EACH = sizes.size(30, 150)
# By how much the side that was first begins later the next time.
_STEP_SECONDS = 0.005


@dataclass
class Race:
    """`numbers` are those who are texted; `stopped_at` is when the opt out of each had been committed;
    `at` is the round at hand."""

    world: World
    carrier: CountingCarrier
    contact_ids: list[int]
    numbers: list[str] = field(default_factory=list)
    stopped_at: dict[str, float] = field(default_factory=dict)
    at: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(5))

    @property
    def texts_win(self) -> bool:
        """Whether the text of this round came before the opt out."""
        return self.numbers[self.at] in self.carrier.texts

    def stop(self, index: int) -> None:
        """To the team that texts, or by a word for every team to another one."""
        number, everywhere = self.numbers[index], index % 3 == 0
        inbox, word = (self.world.other_shared, "STOPALL") if everywhere else (self.world.shared, "STOP")
        with self.world.app.app_context():
            receive_text(inbox, number, word, str(uuid.uuid4()), datetime.now(UTC))
        self.stopped_at[number] = time.monotonic()


def race_of(world: World, carrier: CountingCarrier) -> Race:
    providers.register(driver_at(carrier.url))
    always_open(world)
    race = Race(world, carrier, add_people(world, EACH))
    with world.session():
        db.session.execute(update(Inbox).values(provider=NAME))
        numbers = dict(db.session.execute(select(Contact.id, Contact.number)).tuples().all())
        race.numbers = [numbers[contact_id] for contact_id in race.contact_ids]
        db.session.commit()
    return race


def run_each(race: Race, send: Callable[[int], None]) -> None:
    """Round by round one thread sends a text and another brings the contact's opt out. Whoever was first the
    last time begins a little later, so that the two keep meeting."""
    seconds_ahead = 0.0

    def round_over() -> None:
        nonlocal seconds_ahead
        step = _STEP_SECONDS * race.chance.uniform(0.5, 1.5)
        seconds_ahead += step if race.texts_win else -step

    together = threading.Barrier(2, action=round_over, timeout=60)

    def side(act: Callable[[int], None], sign: int) -> None:
        for index in range(EACH):
            together.wait()
            time.sleep(max(0.0, sign * seconds_ahead))
            race.at = index
            act(index)

    run_both(lambda: side(send, 1), lambda: side(race.stop, -1))


def run_both(*works: Callable[[], None]) -> None:
    failures: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def check(race: Race) -> None:
    """Nobody was texted once their opt out stood, nobody twice; and what did not go says why."""
    with race.world.session():
        query = (
            select(Contact.number, Message.state, Message.detail)
            .join(Conversation, Conversation.id == Message.conversation_id)
            .join(Contact, Contact.id == Conversation.contact_id)
            .where(Message.direction == Direction.OUTBOUND, Message.kind == MessageKind.PERSON)
        )
        told = {number: (state, detail) for number, state, detail in db.session.execute(query)}
    assert set(told) == set(race.stopped_at) == set(race.numbers)
    assert texted_after_opting_out(race.world) == []
    for number in race.numbers:
        texted, (state, detail) = len(race.carrier.texts.get(number, [])), told[number]
        if texted:
            assert (texted, state) == (1, "delivered")
        else:
            assert (state, "opted out of Admissions" in detail) == ("suppressed", True)
    # Both happened, else nothing raced.
    assert 0 < len(race.carrier.texts) < EACH


@pytest.mark.sized
def test_an_opt_out_wins_against_a_persons_text_or_comes_after_it(world: World) -> None:
    with counting_carrier() as carrier:
        race = race_of(world, carrier)
        with world.session():
            agent, inbox = db.session.get_one(User, world.agent_id), shared(world)
            texts = [
                compose(agent, conversation_with(inbox, contact_id), "See you")
                for contact_id in race.contact_ids
            ]
            db.session.commit()
            message_ids = [text.id for text in texts]

        def send(index: int) -> None:
            with world.session():
                deliver(message_ids[index])

        run_each(race, send)
        check(race)


@pytest.mark.sized
def test_an_opt_out_wins_against_a_text_for_later_or_comes_after_it(world: World) -> None:
    with counting_carrier() as carrier:
        race = race_of(world, carrier)
        with world.session():
            agent, inbox = db.session.get_one(User, world.agent_id), shared(world)
            due = datetime.now(UTC) - timedelta(seconds=1)
            text_ids = [
                later.schedule_text(agent, conversation_with(inbox, contact_id), "See you", due).id
                for contact_id in race.contact_ids
            ]

        def send(index: int) -> None:
            with world.session():
                message_id = later.take_up(text_ids[index])
                if message_id:
                    deliver(message_id)

        run_each(race, send)
        check(race)


@pytest.mark.sized
def test_an_opt_out_wins_against_a_campaigns_text_or_comes_after_it(world: World) -> None:
    with counting_carrier() as carrier:
        race = race_of(world, carrier)
        campaign_id = add_campaign(world)
        start(world, campaign_id)

        turns = in_turn(race, campaign_id)
        over = threading.Event()

        def send() -> None:
            with world.app.app_context():
                campaign_jobs.send_campaign(world.tenant_id, campaign_id)
            over.set()

        def stop() -> None:
            # Each about as its turn comes: earlier where texts have won more often by then, else later.
            lead = 1.0
            for turn, index in enumerate(turns):
                while (had := had_turns(world, campaign_id)) < turn - lead and not over.is_set():
                    time.sleep(0.0005)
                race.stop(index)
                step = 0.5 if len(race.carrier.texts) > had / 2 else -0.5
                lead = min(max(lead + step, -3.0), 3.0)

        run_both(send, stop)
        check(race)


def in_turn(race: Race, campaign_id: int) -> list[int]:
    """Who is texted when: their places in the race."""
    with race.world.session():
        query = select(Recipient.contact_id).where(Recipient.campaign_id == campaign_id)
        turns = db.session.scalars(query.order_by(Recipient.zones, Recipient.id)).all()
    return [race.contact_ids.index(contact_id) for contact_id in turns if contact_id]


def had_turns(world: World, campaign_id: int) -> int:
    with world.session():
        waiting = Recipient.campaign_id == campaign_id, Recipient.state != RecipientState.WAITING
        return db.session.scalars(select(func.count()).where(*waiting)).one()


def shared(world: World) -> Inbox:
    return db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
