"""What the reason of an opt in lifted stands again once the opt in is undone."""

from __future__ import annotations

from sqlalchemy import select

from cadence_app.consent.models import Block
from cadence_app.extensions import db
from tests.messaging.test_undone_toggles import Desk
from tests.records.people import text_at
from tests.world import World, new_number


def _bars(world: World, contact_id: int) -> set[tuple[str, str, int | None]]:
    with world.session():
        rows = db.session.scalars(select(Block).where(Block.contact_id == contact_id))
        return {(each.scope, each.number, each.team_id) for each in rows}


def test_the_stop_of_who_had_the_number_before_bars_again(world: World) -> None:
    number = new_number()
    world.text(number, "hi", world.personal)
    world.text(number, "STOP", world.personal)
    before = world.contact_id(number)
    text_at(world, before, new_number())
    desk = Desk(world)
    text_at(world, desk.contact_id, number)
    bars = _bars(world, desk.contact_id)
    assert bars
    desk.press("opted_in", reason="Asked for it at the desk")
    assert desk.status == "opted_in"
    desk.undo()
    assert desk.status == "opted_out"
    assert _bars(world, desk.contact_id) == bars
    desk.press("opted_in")
    assert desk.status == "opted_out"


def test_what_the_phone_itself_has_lifted_meanwhile_stays_lifted(world: World) -> None:
    number = new_number()
    world.text(number, "STOP")
    text_at(world, world.contact_id(number), new_number())
    desk = Desk(world)
    text_at(world, desk.contact_id, number)
    desk.press("opted_in", reason="Asked for it at the desk")
    world.text(number, "START")
    desk.undo()
    assert desk.status == "opted_out"
    assert not _bars(world, desk.contact_id)
