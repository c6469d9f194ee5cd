"""A page on which somebody types, as static/js/drafts.js does, and what is kept of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging import drafts
from cadence_app.messaging.draft_models import Draft, What
from cadence_app.messaging.drafts import Outcome, Place, Press, Typed
from cadence_app.messaging.models import Conversation
from tests.world import Browser, World

_names = itertools.count(1)


@dataclass
class Window:
    """One that is open at a place; `seen` is the version that it knows."""

    world: World
    place: Place
    user_id: int
    seen: int = 0
    turn: int = 0
    name: str = field(default_factory=lambda: f"page{next(_names)}")

    def type(self, words: str, ago: float = 0, about: int = 0, aside: str | None = None) -> Typed:
        """What it would send now, which may arrive at any time."""
        self.turn += 1
        return Typed(words, self.press(), timedelta(seconds=ago), about, aside)

    def press(self) -> Press:
        return Press(self.name, self.turn, self.seen)

    def save(self, typed: Typed) -> Outcome:
        with self.world.session():
            outcome, row = drafts.save(db.session.get_one(User, self.user_id), self.place, typed)
            # Other words than its own it knows once it shows them.
            self.seen = row.version if outcome == Outcome.SAVED else self.seen
            db.session.commit()
        return outcome

    def write(self, words: str, ago: float = 0, about: int = 0) -> Outcome:
        return self.save(self.type(words, ago, about))

    def send(self, words: str) -> None:
        """What sending does to the draft."""
        self.turn += 1
        self.end(words, self.press())

    def end(self, words: str, press: Press) -> None:
        with self.world.session():
            drafts.end(db.session.get_one(User, self.user_id), self.place, words, press)
            db.session.commit()
        self.seen = kept(self.world, self.place, self.user_id).version

    def again(self) -> Window:
        """The same place opened anew, in another window or later."""
        row = kept(self.world, self.place, self.user_id)
        return Window(self.world, self.place, self.user_id, row.version if row.id else 0)


def window(world: World, conversation_id: int, what: What = What.TEXT, user_id: int | None = None) -> Window:
    with world.session():
        place = drafts.in_conversation(db.session.get_one(Conversation, conversation_id), what)
    return Window(world, place, user_id or world.agent_id)


def kept(world: World, place: Place, user_id: int | None = None) -> Draft:
    """The row of a place, detached; an empty one where there is none."""
    with world.session():
        found = drafts.find(db.session.get_one(User, user_id or world.agent_id), place)
        db.session.expunge_all()
        return found or Draft(words="", other_words="", version=0, turns=[])


def words_of(world: World, place: Place, user_id: int | None = None) -> tuple[str, str]:
    """The draft, and the words that are kept beside it."""
    row = kept(world, place, user_id)
    return row.words, row.other_words


def rows(world: World) -> list[str]:
    with world.session():
        return list(db.session.scalars(select(Draft.words).order_by(Draft.id)))


def address(place: Place) -> str:
    return f"/messages/drafts/{place.what}/{place.contact_id}/{place.of_id}"


def post(browser: Browser, place: Place, words: str, **more: Any) -> dict[str, Any]:
    """Saves over HTTP as the page does; the answer."""
    data = {"words": words, "draft_writer": "tab", "draft_turn": "1", "draft_seen": "0", "ago": "0"} | more
    answer = browser.post(address(place), data)
    assert answer.status_code == 200, answer.status_code
    found: dict[str, Any] = answer.get_json()
    return found
