"""Telling another system holds nobody for long: a STOP of theirs, or a text to them, would wait meanwhile."""

from __future__ import annotations

import threading

from sqlalchemy import select, text

from cadence_app.accounts.models import User
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.extensions import db
from cadence_app.webhooks import outbox, service
from cadence_app.webhooks.models import WebhookDelivery
from tests.waiting import until_somebody_waits
from tests.world import World, new_number

_BRIEFLY = text("SET LOCAL lock_timeout = '500ms'")


def _endpoint(world: World) -> int:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        endpoint, _ = service.add_endpoint(admin, service.Plan("http://127.0.0.1:9/", "", [], []))
        db.session.commit()
        return endpoint.id


def _texts(world: World) -> int:
    return world.contact_id_of(world.text(new_number(), "hi").conversation_id)


def _told(world: World) -> list[int]:
    with world.session():
        return list(db.session.scalars(select(WebhookDelivery.contact_id).order_by(WebhookDelivery.id)))


def test_whoever_comes_before_somebody_who_is_held_is_told_at_once_and_the_rest_in_order_later(
    world: World,
) -> None:
    endpoint_id = _endpoint(world)
    first, held, last = (_texts(world) for _ in range(3))
    with world.session():
        lock_contacts([held])
        with world.session():
            db.session.execute(_BRIEFLY)
            assert outbox.take_changes(endpoint_id)
        assert _told(world) == [first]
    with world.session():
        assert not outbox.take_changes(endpoint_id)
    assert _told(world) == [first, held, last]


def test_nobody_else_is_held_while_the_next_one_is_waited_for(world: World) -> None:
    other, held = _texts(world), _texts(world)
    endpoint_id = _endpoint(world)
    # The held one's change comes first, though not their id.
    for contact_id in (held, other):
        world.text(world.history(contact_id)[0].number, "STOP")

    def takes() -> None:
        with world.session():
            outbox.take_changes(endpoint_id)

    taking = threading.Thread(target=takes)
    with world.session():
        lock_contacts([held])
        taking.start()
        until_somebody_waits()
        db.session.execute(_BRIEFLY)
        assert lock_contacts([other])
    taking.join(30)
    assert _told(world) == [held, other]
