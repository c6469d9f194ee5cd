"""Drafts: what arrives late or from another window, and that only their author ever sees them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging import drafts
from cadence_app.messaging.draft_models import Draft, What
from cadence_app.messaging.drafts import Outcome, Press, Typed
from cadence_app.messaging.models import Conversation
from tests.messaging.drafting import Window, window, words_of
from tests.world import World, new_number


@pytest.fixture
def page(world: World) -> Window:
    return window(world, world.text(new_number(), "hello").conversation_id)


def test_a_save_that_comes_after_a_later_one_of_its_page_changes_nothing(page: Window) -> None:
    first, second = page.type("Dear"), page.type("Dear Maya")
    assert page.save(second) == Outcome.SAVED
    assert page.save(first) == Outcome.LATE
    assert words_of(page.world, page.place) == ("Dear Maya", "")


def test_a_save_that_was_on_its_way_when_send_was_pressed_brings_nothing_back(page: Window) -> None:
    late = page.type("Dear Maya")
    page.send("Dear Maya")
    assert page.save(late) == Outcome.LATE
    assert words_of(page.world, page.place) == ("", "")


def test_nor_does_one_of_a_page_that_was_left_and_whose_words_were_sent_from_the_next(page: Window) -> None:
    page.write("Dear")
    late = page.type("Dear Ma")
    # The next page of the tab brings what the one before it could not save, by that one's name.
    page.save(late)
    following = page.again()
    following.write("Dear Maya")
    following.send("Dear Maya")
    assert page.save(late) == Outcome.LATE
    assert words_of(page.world, page.place) == ("", "")


def test_what_is_typed_after_sending_is_a_draft_again(page: Window) -> None:
    page.write("Dear Maya")
    page.send("Dear Maya")
    assert page.write("P.S.") == Outcome.SAVED
    assert words_of(page.world, page.place) == ("P.S.", "")


def test_what_was_typed_while_the_text_was_on_its_way_stays(page: Window) -> None:
    page.write("Dear Maya")
    press = Press(page.name, page.turn, page.seen)
    page.write("Dear Maya and your brother")
    page.end("Dear Maya", press)
    assert words_of(page.world, page.place) == ("and your brother", "")


def test_of_two_windows_the_words_typed_later_are_the_draft_and_the_others_stand_beside_them(
    page: Window,
) -> None:
    other = page.again()
    page.write("from the desk", ago=20)
    assert other.write("from the phone", ago=10) == Outcome.SAVED
    assert words_of(page.world, page.place) == ("from the phone", "from the desk")
    # A laptop that was closed wakes up and saves what was typed on it before.
    third = Window(page.world, page.place, page.user_id)
    assert third.write("from the laptop", ago=60) == Outcome.OLDER
    assert words_of(page.world, page.place) == ("from the phone", "from the laptop")


def test_words_that_another_window_goes_on_with_are_not_kept_twice(page: Window) -> None:
    other = page.again()
    page.write("Dear", ago=5)
    other.write("Dear Maya")
    assert words_of(page.world, page.place) == ("Dear Maya", "")


def test_what_another_window_had_typed_before_the_text_was_sent_is_not_brought_back(page: Window) -> None:
    other = page.again()
    page.write("Dear Maya")
    page.send("Dear Maya")
    assert other.write("Dear Max", ago=30) == Outcome.ENDED
    assert words_of(page.world, page.place) == ("", "")
    assert other.write("Dear Max, today") == Outcome.SAVED


def test_sending_from_one_window_keeps_what_another_one_wrote(page: Window) -> None:
    other = page.again()
    page.write("one text")
    other.write("another text")
    page.seen = 0
    page.send("one text")
    assert "another text" in words_of(page.world, page.place)


def test_the_other_words_can_be_taken_or_thrown_away(page: Window) -> None:
    other = page.again()
    page.write("from the desk", ago=9)
    other.write("from the phone")
    other.save(other.type("from the desk", aside="from the phone"))
    assert words_of(page.world, page.place) == ("from the desk", "from the phone")
    other.save(other.type("from the desk", aside=""))
    assert words_of(page.world, page.place) == ("from the desk", "")


@pytest.mark.parametrize("nothing", ["", " \n\t"])
def test_an_empty_box_is_no_draft(page: Window, nothing: str) -> None:
    page.write("Dear")
    page.write(nothing)
    assert words_of(page.world, page.place) == ("", "")


def test_a_text_that_was_taken_back_is_the_draft_again_and_what_was_typed_since_stays(page: Window) -> None:
    late = page.type("Dear")
    page.send("Dear Maya")
    page.write("Next")
    with page.world.session():
        conversation = db.session.scalars(select(Conversation)).first()
        assert conversation
        drafts.keep(db.session.get_one(User, page.user_id), conversation, What.TEXT, "Dear Maya")
        db.session.commit()
    assert words_of(page.world, page.place) == ("Dear Maya", "Next")
    page.save(late)
    assert words_of(page.world, page.place)[0] == "Dear Maya"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.text("xy ", max_size=3)), max_size=6))
def test_words_are_kept_beside_others_only_where_those_do_not_have_them(steps: list[tuple[str, str]]) -> None:
    row = Draft(words="", other_words="", version=0, turns=[])
    for _, words in steps:
        before = row.words
        aside = drafts.lay_aside(row, before, datetime.now(UTC), beside=words)
        assert aside == (bool(before.strip()) and before.strip() not in words)
        row.words = words


@dataclass(frozen=True)
class OnTheWay:
    """A save or, with no `typed`, a press of Send."""

    window: Window
    words: str
    press: Press
    typed: Typed | None = None


class Arriving(RuleBasedStateMachine):
    """Two windows of one author. What they send arrives in any order, and may arrive twice."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        first = window(self.world, self.world.text(new_number(), "hello").conversation_id)
        self.windows = [first, first.again()]
        self.in_box = ["", ""]
        self.on_the_way: list[OnTheWay] = []
        self.arrived: dict[str, int] = {}
        self.ended: set[str] = set()

    @rule(which=st.integers(0, 1), word=st.text("xyz", min_size=1, max_size=4))
    def types(self, which: int, word: str) -> None:
        self.in_box[which] += f"{which}{word}"
        one = self.windows[which]
        typed = one.type(self.in_box[which])
        self.on_the_way.append(OnTheWay(one, typed.words, typed.press, typed))

    @rule(which=st.integers(0, 1))
    def presses_send(self, which: int) -> None:
        one, words = self.windows[which], self.in_box[which]
        one.turn += 1
        self.on_the_way.append(OnTheWay(one, words, one.press()))
        self.in_box[which] = ""

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data(), again=st.booleans())
    def one_arrives(self, data: st.DataObject, again: bool) -> None:
        place = data.draw(st.integers(0, len(self.on_the_way) - 1))
        what = self.on_the_way[place] if again else self.on_the_way.pop(place)
        one, before = what.window, words_of(self.world, what.window.place)
        is_late = what.press.turn <= self.arrived.get(one.name, 0)
        self.arrived[one.name] = max(what.press.turn, self.arrived.get(one.name, 0))
        if what.typed is None:
            one.end(what.words, what.press)
            assert is_late or what.words not in words_of(self.world, one.place)[:1] or not what.words
            return
        outcome = one.save(what.typed)
        after = words_of(self.world, one.place)
        assert (outcome == Outcome.LATE) == is_late
        if outcome == Outcome.SAVED:
            assert after[0] == what.words
        elif outcome == Outcome.LATE:
            assert after == before
        else:
            assert after[0] == before[0]
        # What was the draft of another window is in the draft, or beside it.
        mine = before[0].startswith(what.words[:1])
        assert mine or not before[0] or any(before[0] in each for each in after)

    @invariant()
    def there_is_one_row_at_most(self) -> None:
        with self.world.session():
            place = self.windows[0].place
            query = select(func.count()).select_from(Draft).where(Draft.contact_id == place.contact_id)
            assert db.session.scalar(query) in (0, 1)


def test_whatever_arrives_in_whatever_order(world: World) -> None:
    machine = type("Machine", (Arriving,), {"world": world})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=15, stateful_step_count=12, deadline=None)
    )


def test_of_saves_and_a_send_at_the_same_moment_no_draft_is_left(page: Window) -> None:
    """Real interleavings, each with connections of its own."""
    for _ in range(6):
        saves = [page.type("Dear Maya"[: length + 1]) for length in range(4)]
        page.turn += 1
        press = page.press()

        def save(typed: drafts.Typed) -> None:
            with page.world.session():
                drafts.save(db.session.get_one(User, page.user_id), page.place, typed)
                db.session.commit()

        def end(press: Press = press) -> None:
            with page.world.session():
                drafts.end(db.session.get_one(User, page.user_id), page.place, "Dear Maya", press)
                db.session.commit()

        threads = [threading.Thread(target=save, args=[each]) for each in saves]
        threads.insert(2, threading.Thread(target=end))
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert words_of(page.world, page.place) == ("", "")
