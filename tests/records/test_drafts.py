"""When drafts end: with their time, their person or their author, and not while a legal hold keeps them."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from cadence_app.accounts.models import User
from cadence_app.administration import leaving
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging import drafts
from cadence_app.messaging.draft_models import Draft, What
from cadence_app.retention import holds
from cadence_app.retention.jobs import sweep_drafts
from tests.messaging.drafting import Window, address, kept, rows, window, words_of
from tests.records.people import erase, merge
from tests.records.test_nothing_left import download
from tests.waiting import until_somebody_waits
from tests.world import World, new_number


@pytest.fixture
def page(world: World) -> Window:
    return window(world, world.text(new_number(), "hello").conversation_id)


def let_time_pass(world: World, days: float) -> None:
    with world.session():
        db.session.execute(update(Draft).values(ends_at=Draft.ends_at - timedelta(days=days)))
        db.session.commit()


def sweep(world: World) -> None:
    with world.app.app_context():
        sweep_drafts()


def hold(world: World, contact_id: int) -> None:
    with world.session():
        admin, contact = db.session.get_one(User, world.admin_id), db.session.get_one(Contact, contact_id)
        holds.set_hold(admin, contact, "Case 12")


def lift(world: World, contact_id: int) -> None:
    with world.session():
        admin, contact = db.session.get_one(User, world.admin_id), db.session.get_one(Contact, contact_id)
        holds.lift_hold(admin, contact)


def deactivate_agent(world: World, by_command: bool) -> None:
    with world.session():
        admin, agent = (db.session.get_one(User, each) for each in (world.admin_id, world.agent_id))
        if by_command:
            leaving.take_away(admin, agent)
        else:
            heirs = dict.fromkeys([inbox.id for inbox in leaving.owned_by(agent).inboxes])
            leaving.deactivate(admin, agent, heirs)
        db.session.commit()


def test_a_draft_ends_thirty_days_after_it_was_last_typed(world: World, page: Window) -> None:
    page.write("Dear Maya")
    with world.session():
        (row,) = db.session.scalars(select(Draft)).all()
        assert abs(row.ends_at - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
    let_time_pass(world, 29.9)
    sweep(world)
    assert words_of(world, page.place) == ("Dear Maya", "")
    let_time_pass(world, 0.2)
    # It is not shown any more before the sweep comes round, either.
    assert words_of(world, page.place) == ("", "")
    sweep(world)
    assert rows(world) == []


def test_typing_on_begins_the_thirty_days_anew(world: World, page: Window) -> None:
    page.write("Dear")
    let_time_pass(world, 29)
    page.write("Dear Maya")
    let_time_pass(world, 29)
    sweep(world)
    assert words_of(world, page.place) == ("Dear Maya", "")


def test_what_is_left_of_a_draft_that_was_sent_goes_after_a_day(world: World, page: Window) -> None:
    page.write("Dear Maya")
    page.send("Dear Maya")
    sweep(world)
    assert rows(world) == [""]
    let_time_pass(world, 1.1)
    sweep(world)
    assert rows(world) == []


def test_a_legal_hold_keeps_a_draft_beyond_its_time(world: World, page: Window) -> None:
    page.write("Dear Maya")
    hold(world, page.place.contact_id)
    let_time_pass(world, 31)
    sweep(world)
    assert words_of(world, page.place) == ("Dear Maya", "")
    lift(world, page.place.contact_id)
    let_time_pass(world, 2)
    sweep(world)
    assert rows(world) == []


@pytest.mark.parametrize("by_command", [False, True])
def test_the_drafts_of_who_can_not_sign_in_any_more_go(world: World, page: Window, by_command: bool) -> None:
    page.write("Dear Maya")
    theirs = Window(world, page.place, world.admin_id)
    theirs.write("the admin's own")
    deactivate_agent(world, by_command)
    assert words_of(world, page.place) == ("", "")
    sweep(world)
    assert rows(world) == ["the admin's own"]


def test_a_legal_hold_keeps_the_draft_of_who_left(world: World, page: Window) -> None:
    page.write("Dear Maya")
    hold(world, page.place.contact_id)
    deactivate_agent(world, by_command=False)
    sweep(world)
    assert rows(world) == ["Dear Maya"]
    lift(world, page.place.contact_id)
    let_time_pass(world, 2)
    sweep(world)
    assert rows(world) == []


def test_an_erasure_takes_every_draft_about_a_person_and_no_other(world: World, page: Window) -> None:
    other = window(world, world.text(new_number(), "hi").conversation_id)
    other.write("to somebody else")
    page.write("Dear Maya")
    reason = drafts.for_reason(page.place.contact_id, world.team_id)
    Window(world, reason, world.admin_id).write("She asked")
    erase(world, page.place.contact_id)
    assert rows(world) == ["to somebody else"]
    with pytest.raises(drafts.Gone):
        page.write("Dear Maya again")
    assert world.sign_in("agent").post(address(page.place), {"words": "x"}).status_code == 404


def test_a_save_that_waits_while_its_person_is_erased_leaves_nothing(world: World, page: Window) -> None:
    """Whoever erases holds the contact; a save that came meanwhile waits, and finds them gone."""
    outcome: list[str] = []

    def save() -> None:
        try:
            page.write("Dear Maya")
            outcome.append("saved")
        except drafts.Gone:
            outcome.append("gone")

    with world.session():
        lock_contacts([page.place.contact_id])
        thread = threading.Thread(target=save)
        thread.start()
        until_somebody_waits()
        db.session.execute(
            update(Contact).where(Contact.id == page.place.contact_id).values(gone_at=text("now()"))
        )
        db.session.commit()
    thread.join()
    assert (outcome, rows(world)) == (["gone"], [])


def test_a_merge_takes_drafts_along(world: World, page: Window) -> None:
    gone = window(world, world.text(new_number(), "it is me, too").conversation_id)
    gone.write("To the other number")
    note = Window(world, drafts.Place(What.NOTE, gone.place.contact_id, gone.place.of_id), world.agent_id)
    note.write("She has two phones")
    merge(world, page.place.contact_id, gone.place.contact_id)
    assert words_of(world, page.place) == ("To the other number", "")
    moved = drafts.Place(What.NOTE, page.place.contact_id, page.place.of_id)
    assert words_of(world, moved) == ("She has two phones", "")
    # The page of the one who is gone goes on at the one who is kept.
    agent = world.sign_in("agent")
    agent.post(address(gone.place), {"words": "typed on", "draft_writer": gone.name, "draft_turn": "9"})
    assert kept(world, page.place).words == "typed on"


def test_of_two_drafts_of_one_place_a_merge_keeps_both(world: World, page: Window) -> None:
    gone = window(world, world.text(new_number(), "it is me, too").conversation_id)
    page.write("the earlier words", ago=60)
    gone.write("the later words")
    merge(world, page.place.contact_id, gone.place.contact_id)
    assert words_of(world, page.place) == ("the later words", "the earlier words")
    assert rows(world) == ["the later words"]


def test_the_download_of_a_persons_data_has_no_draft(world: World, page: Window) -> None:
    page.write("between me and me")
    assert "between me and me" not in json.dumps(download(world, page.place.contact_id))
