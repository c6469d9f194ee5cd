"""Undo of an opt out, or in, by hand: at once and in the history, and given back only while nothing else has
happened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cadence_app.consent import undoing
from cadence_app.consent.blocks import block_number
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation
from tests.world import Browser, World, new_number


class Desk:
    """A conversation with somebody who is opted in, and the agent who has it before them."""

    def __init__(self, world: World) -> None:
        self.world, self.number = world, new_number()
        self.talk = world.text(self.number, "Hello").conversation_id
        self.contact_id = world.contact_id(self.number)
        self.agent = world.sign_in("agent")

    def press(self, status: str, browser: Browser | None = None, **form: str) -> str:
        path = f"/messages/conversations/{self.talk}/consent"
        answer = (browser or self.agent).post(
            path, {"status": status, **form}, headers={"HX-Request": "true"}
        )
        return answer.text

    def undo(self, browser: Browser | None = None, change: int | None = None) -> str:
        change = change or self.world.history(self.contact_id)[-1].id
        return self.press("undo", browser, change=str(change))

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        return [(each.status, each.source, each.reason) for each in self.world.history(self.contact_id)]

    @property
    def status(self) -> str | None:
        return self.world.status(self.contact_id)

    def is_offered(self, browser: Browser | None = None) -> bool:
        page = (browser or self.agent).get(f"/messages/conversations/{self.talk}").text
        return 'value="undo"' in page


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def test_an_opt_out_by_hand_counts_at_once_and_undo_is_a_second_row(desk: Desk) -> None:
    assert 'value="undo"' in desk.press("opted_out")
    assert desk.status == "opted_out"
    assert 'value="undo"' in desk.undo()
    assert desk.status == "opted_in"
    assert desk.rows[1:] == [("opted_out", "toggle", ""), ("opted_in", "toggle", "undone")]


def test_undo_of_an_opt_in_is_an_ordinary_opt_out(desk: Desk) -> None:
    desk.world.text(desk.number, "STOP")
    desk.press("opted_in", reason="Asked for it at the desk")
    assert desk.is_offered()
    desk.undo()
    assert desk.status == "opted_out"
    assert desk.rows[-1] == ("opted_out", "toggle", "undone")


def test_the_stop_that_an_undone_opt_in_answered_counts_again(desk: Desk) -> None:
    """Also one that the history has no row of, for they were out already."""
    desk.press("opted_out")
    desk.world.text(desk.number, "STOP")
    desk.press("opted_in", reason="Asked for it at the desk")
    desk.undo()
    assert "consent again" in desk.press("opted_in")
    assert desk.status == "opted_out"
    assert not desk.is_offered()


@pytest.mark.parametrize("words", ["STOP", "please stop texting me", "Who is this?"])
def test_whatever_they_text_after_an_opt_out_counts_for_more_than_its_undo(desk: Desk, words: str) -> None:
    desk.press("opted_out")
    desk.world.text(desk.number, words)
    assert not desk.is_offered()
    assert "they have texted since, or have stopped themselves" in desk.undo()
    assert desk.status == "opted_out"
    assert len(desk.rows) == 2


def test_an_opt_out_that_answered_a_possible_one_has_no_undo(desk: Desk) -> None:
    desk.world.text(desk.number, "take me off your list")
    desk.press("opted_out")
    assert not desk.is_offered()
    desk.undo()
    assert desk.status == "opted_out"


def test_what_their_carrier_blocks_since_has_no_undo(desk: Desk) -> None:
    desk.press("opted_out")
    with desk.world.session():
        inbox_id = db.session.get_one(Conversation, desk.talk).inbox_id
        block_number(desk.contact_id, inbox_id, desk.number)
        db.session.commit()
    desk.undo()
    assert desk.status == "opted_out"


def test_undo_is_for_who_did_it_and_for_a_minute(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert timedelta(minutes=1) == undoing.WITHIN
    desk.press("opted_out")
    admin = desk.world.sign_in("admin")
    assert not desk.is_offered(admin)
    assert "too late for Undo" in desk.undo(admin)
    assert desk.is_offered()
    monkeypatch.setattr(undoing, "WITHIN", timedelta())
    assert not desk.is_offered()
    assert "too late for Undo" in desk.undo()
    assert (desk.status, len(desk.rows)) == ("opted_out", 2)


def test_undo_pressed_twice_or_in_two_tabs_is_one_change(desk: Desk) -> None:
    desk.press("opted_out")
    change = desk.world.history(desk.contact_id)[-1].id
    desk.undo(change=change)
    assert "the status has changed since" in desk.undo(change=change)
    assert (desk.status, len(desk.rows)) == ("opted_in", 3)


def test_undo_takes_nothing_back_that_somebody_else_has_done_since(desk: Desk) -> None:
    desk.press("opted_out")
    change = desk.world.history(desk.contact_id)[-1].id
    admin = desk.world.sign_in("admin")
    desk.press("opted_in", admin)
    desk.press("opted_out", admin)
    assert "the status has changed since" in desk.undo(change=change)
    assert desk.status == "opted_out"


def test_undo_lifts_nothing_but_the_opt_out(desk: Desk) -> None:
    """The word in its row is no reason of consent: personal inboxes stay barred."""
    personal = desk.world.text(desk.number, "hi", desk.world.personal).conversation_id
    desk.world.text(desk.number, "STOP", desk.world.personal)
    desk.world.text(desk.number, "START")
    assert desk.status == "opted_in"
    page = desk.agent.get(f"/messages/conversations/{personal}").text
    assert "no personal inbox may text them" in page
    desk.press("opted_out")
    desk.undo()
    page = desk.agent.get(f"/messages/conversations/{personal}").text
    assert "no personal inbox may text them" in page


@pytest.mark.parametrize("form", [{}, {"change": "x"}, {"change": "0"}, {"change": "99999999999"}])
def test_undo_of_nothing_changes_nothing(desk: Desk, form: dict[str, str]) -> None:
    desk.press("opted_out")
    assert "the status has changed since" in desk.press("undo", None, **form)
    assert len(desk.rows) == 2


def test_undo_works_on_the_record_too(desk: Desk) -> None:
    path = f"/contacts/{desk.contact_id}/teams/{desk.world.team_id}/consent"
    assert desk.agent.post(path, {"status": "opted_out"}).status_code == 302
    change = desk.world.history(desk.contact_id)[-1].id
    assert desk.agent.post(path, {"status": "undo", "change": str(change)}).status_code == 302
    assert desk.status == "opted_in"
