"""Whatever a phone says and a user toggles, TEAM gives back what the last word took: against a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from cadence_app.accounts import service as accounts
from cadence_app.accounts.models import User
from cadence_app.consent import blocks
from cadence_app.consent.by_user import consent_of, needs_reason, set_by_user
from cadence_app.consent.models import Status
from cadence_app.extensions import db
from cadence_app.inboxes.service import create_inbox
from cadence_app.messaging.models import Message, MessageState
from tests import sizes
from tests.messaging.team_only import ask
from tests.world import World, make_world, new_number


@dataclass
class Three:
    world: World
    team_ids: list[int]
    inboxes: list[str]


@dataclass
class Model:
    """What must hold, written another way: by team, whether they are opted out and whether by their own word;
    the bar of later teams; and what TEAM would give back, for the team that asked."""

    out: list[bool] = field(default_factory=lambda: [False] * 3)
    own: list[bool] = field(default_factory=lambda: [False] * 3)
    bar: bool = False
    asked: int | None = None
    back: dict[int, tuple[bool, bool]] = field(default_factory=dict)
    back_bar: bool = False
    rows: int = 3

    def stop(self, team: int, everywhere: bool) -> None:
        before = list(zip(self.out, self.own, strict=True))
        changed = [index for index in range(3) if not self.out[index]]
        confirmed = bool(changed) or not self.own[team]
        gives_back = not self.bar or any(index != team for index in changed)
        self.asked = team if confirmed and not everywhere and gives_back else None
        self.back = {index: before[index] for index in range(3) if index != team}
        self.back_bar = self.bar
        self.out, self.own, self.bar = [True] * 3, [True] * 3, True
        self.rows += len(changed)

    def answer(self, team: int) -> None:
        if self.asked != team or not self.out[team]:
            return
        for index, (out, own) in self.back.items():
            self.rows += self.out[index] and not out
            self.out[index], self.own[index] = out, own
        if self.bar:
            self.bar = self.back_bar
        self.asked = None

    def start(self, team: int) -> None:
        self.rows += self.out[team]
        self.out[team] = self.own[team] = self.bar = False
        self.back.pop(team, None)
        if self.asked == team:
            self.asked = None

    def toggle(self, team: int, out: bool) -> None:
        if self.out[team] != out:
            self.rows += 1
            self.out[team], self.own[team] = out, False
        self.back.pop(team, None)


@pytest.fixture(scope="module")
def three(app: Flask) -> Iterator[Three]:
    world = ask(make_world(app, "teams"))
    with world.session():
        third = accounts.create_team("Housing", "HOU")
        inbox = create_inbox(third, new_number(), "Housing desk")
        db.session.commit()
        team_ids = [world.team_id, world.other_team_id, third.id]
        yield Three(world, team_ids, [world.shared, world.other_shared, inbox.number])


STEPS = st.tuples(
    st.sampled_from(["STOP", "STOP", "STOPALL", "TEAM", "TEAM", "START", "out", "in"]), st.integers(0, 2)
)


@pytest.mark.sized
@settings(max_examples=sizes.size(10, 300), deadline=None)
@given(steps=st.lists(STEPS, min_size=2, max_size=8))
def test_whatever_is_said_and_toggled_team_gives_back_exactly_what_the_last_word_took(
    three: Three, steps: list[tuple[str, int]]
) -> None:
    world, number, model = three.world, new_number(), Model()
    for inbox in three.inboxes:
        world.text(number, "hello", inbox)
    contact_id = world.contact_id(number)
    for step, team in steps:
        if step in {"in", "out"}:
            model.toggle(team, step == "out")
            with world.session():
                admin = db.session.get_one(User, world.admin_id)
                status = Status.OPTED_OUT if step == "out" else Status.OPTED_IN
                set_by_user(admin, contact_id, three.team_ids[team], status, "Asked at the desk.")
                db.session.commit()
            continue
        if step == "TEAM":
            model.answer(team)
        elif step == "START":
            model.start(team)
        else:
            model.stop(team, everywhere=step == "STOPALL")
        world.text(number, step, three.inboxes[team])
        with world.session():
            stored = [consent_of(contact_id, team_id) for team_id in three.team_ids]
            assert [each is not None and each.opted_out for each in stored] == model.out
            assert [needs_reason(each) for each in stored] == model.own
            assert blocks.stops_everywhere(contact_id) == model.bar
        assert len(world.history(contact_id)) == model.rows
    with world.session():
        queued = select(func.count()).where(Message.state == MessageState.QUEUED)
        assert db.session.scalar(queued) == 0
