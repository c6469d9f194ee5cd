"""Undo of an opt out by hand gives nothing back once something else has said that they are out, or that they
are somebody else, though the status was no other by it."""

from __future__ import annotations

from cadence_app.accounts.models import Team, User
from cadence_app.consent.by_api import Wanted, set_by_api
from cadence_app.consent.by_user import set_by_user
from cadence_app.consent.models import Status
from cadence_app.extensions import db
from tests.contacts.importing import check, csv_of, start, upload, work
from tests.messaging.test_undone_toggles import Desk
from tests.records.people import merge, text_at
from tests.world import World, new_number


def test_an_opt_out_by_the_api_counts_for_more(world: World) -> None:
    desk = Desk(world)
    desk.press("opted_out")
    with world.session():
        set_by_api([Wanted(desk.contact_id, world.team_id, Status.OPTED_OUT)], "API key 1")
        db.session.commit()
    assert not desk.is_offered()
    desk.undo()
    assert desk.status == "opted_out"


def test_a_colleague_who_opts_them_out_too_counts_for_more(world: World) -> None:
    desk = Desk(world)
    desk.press("opted_out")
    with world.session():
        user = db.session.get_one(User, world.admin_id)
        set_by_user(user, desk.contact_id, world.team_id, Status.OPTED_OUT)
        db.session.commit()
    desk.undo()
    assert desk.status == "opted_out"


def test_who_is_opted_out_twice_by_the_same_user_may_be_given_back(world: World) -> None:
    desk = Desk(world)
    desk.press("opted_out")
    desk.press("opted_out")
    desk.undo()
    assert desk.status == "opted_in"


def test_consent_is_not_given_back_at_another_number(world: World) -> None:
    desk = Desk(world)
    desk.press("opted_out")
    text_at(world, desk.contact_id, new_number())
    assert not desk.is_offered()
    desk.undo()
    assert desk.status == "opted_out"


def test_the_opt_out_of_another_record_of_theirs_counts_for_more(world: World) -> None:
    desk = Desk(world)
    other = Desk(world)
    other.press("opted_out", world.sign_in("admin"))
    desk.press("opted_out")
    change = world.history(desk.contact_id)[-1].id
    merge(world, desk.contact_id, other.contact_id)
    desk.undo(change=change)
    assert desk.status == "opted_out"


def test_a_file_that_opts_them_out_counts_for_more(world: World) -> None:
    desk = Desk(world)
    with world.session():
        code = db.session.get_one(Team, world.team_id).code
    file = csv_of(("Maya", "Chen", "", desk.number, code, "yes"))
    import_id = upload(world, file)
    check(world, import_id)
    desk.press("opted_out")
    start(world, import_id)
    imported = work(world, import_id)
    assert imported.state == "done", imported.problem
    assert desk.rows[-1] == ("opted_out", "toggle", "")
    assert not desk.is_offered()
    desk.undo()
    assert desk.status == "opted_out"
