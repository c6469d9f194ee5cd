"""What came of texts is kept, whatever fails while it is written."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from cadence_app.extensions import db
from cadence_app.messaging import outcomes, providers, sender
from cadence_app.messaging.calling import Outcome, call
from cadence_app.messaging.providers.base import Refused, Sent
from tests.campaigns.carrier import NAME, CountingCarrier, counting_carrier, driver_at
from tests.campaigns.sending import add_people
from tests.messaging.under_way import carried_by, queue, sending, states, texts_of, until
from tests.world import World


@pytest.fixture
def carrier(world: World) -> Iterator[CountingCarrier]:
    with counting_carrier(delay=0.02) as counting:
        providers.register(driver_at(counting.url))
        carried_by(world, NAME, 500)
        yield counting


def test_outcomes_are_kept_while_the_database_can_not_be_reached(
    world: World, carrier: CountingCarrier
) -> None:
    """A connection that is refused is none that was lost, and no fault of what is written."""

    def refused(*_: object) -> None:
        raise psycopg.OperationalError("connection refused")

    texts = queue(world, add_people(world, 2))
    with world.app.app_context():
        came = [call(text) for text in sender.take_due(1000) if text.tenant_id == world.tenant_id]
        assert len(came) == 2
        db.session.remove()
        db.engine.dispose()
        event.listen(db.engine, "do_connect", refused)
        try:
            with pytest.raises(OperationalError):
                outcomes.note(came)
        finally:
            event.remove(db.engine, "do_connect", refused)
        db.session.rollback()
        outcomes.note(came)
    assert states(world, texts) == {"delivered"}


def test_an_outcome_that_can_not_be_written_keeps_no_other_from_it(
    world: World, carrier: CountingCarrier
) -> None:
    texts = queue(world, add_people(world, 3))
    with world.app.app_context():
        taken = [text for text in sender.take_due(1000) if text.tenant_id == world.tenant_id]
        # PostgreSQL keeps no NUL.
        broken = Outcome(taken[0], Refused("\0", "No."))
        also = Outcome(taken[1], Sent("\0", None))
        outcomes.note([broken, also, call(taken[2])])
    assert [text.state for text in texts_of(world, texts)] == ["sending", "sending", "delivered"]


def test_a_machine_without_a_thread_to_spare_stops_no_text_for_good(
    world: World, carrier: CountingCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = threading.Thread.start
    failed: list[str] = []

    def none_to_spare(thread: threading.Thread) -> None:
        if thread.name.startswith("carrier") and not failed:
            failed.append(thread.name)
            raise RuntimeError("can't start new thread")
        starts(thread)

    monkeypatch.setattr(threading.Thread, "start", none_to_spare)
    texts = queue(world, add_people(world, 3))
    with sending(world):
        until(lambda: states(world, texts) == {"delivered"}, 20)
    assert failed
