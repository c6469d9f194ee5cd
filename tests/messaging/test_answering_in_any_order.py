"""Whatever comes and is pressed in whatever order, who waits for a reply is as a small model says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cadence_app.messaging.models import ConversationState
from tests.messaging.answering import Talk
from tests.world import World

OPEN, SNOOZED, DONE = ConversationState.OPEN, ConversationState.SNOOZED, ConversationState.DONE


@dataclass
class Model:
    """What should be so after each step: of the state, whether it waits, and what an undo puts back."""

    state: ConversationState = DONE
    waits: bool = False
    # Of our texts that stand or failed: the id, whether it stands, and whether it holds an answer.
    ours: list[list[Any]] = field(default_factory=list)
    # The last change by hand that nothing has followed: its id, and how it was before.
    last: tuple[int, ConversationState, bool] | None = None
    ended: bool = False


def _step(step: str, talk: Talk, model: Model) -> None:
    before = model.state, model.waits
    match step:
        case "asks":
            talk.comes()
            if model.state != OPEN:
                model.last = None
            model.state, model.waits = OPEN, True
        case "helps":
            talk.comes("HELP")
        case "campaign":
            talk.campaign()
        case "writes":
            model.ours.append([talk.writes(), True, model.waits])
            model.waits = False
            model.ended = False
            if model.last and model.state == DONE:
                model.last = None
        case "fails":
            standing = [each for each in model.ours if each[1]]
            if not standing:
                return
            failing = standing[-1]
            talk.fails(failing[0])
            failing[1] = False
            stands = max((each[0] for each in model.ours if each[1]), default=0)
            given = [e for e in model.ours if stands < e[0] <= failing[0] and e[2]]
            for each in given:
                each[2] = False
            if given:
                if model.state != OPEN:
                    model.last = None
                model.state, model.waits = OPEN, True
        case "done":
            change = talk.done()
            if change:
                model.last, model.ended = (change, *before), model.waits
                model.state, model.waits = DONE, False
        case "snooze":
            change = talk.snooze()
            if change:
                model.last = (change, *before)
                model.state = SNOOZED
        case "wakes":
            if model.state == SNOOZED:
                model.state, model.waits, model.last = OPEN, True, None
            talk.wakes()
        case "undo":
            if model.last and model.state != OPEN:
                assert talk.undo(model.last[0])
                # An answer since a snooze stands; what Done ended waits again.
                still = model.state == DONE or (model.waits and model.last[1] != DONE)
                model.state = model.last[1]
                model.waits = still and model.last[2]
                model.last = None
    row = talk.row()
    assert (row.state, row.waiting_since is not None) == (model.state, model.waits), step


_STEPS = st.sampled_from(["asks", "helps", "campaign", "writes", "fails", "done", "snooze", "wakes", "undo"])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEPS, min_size=3, max_size=9))
def test_any_order_of_texts_and_presses_ends_as_a_small_model_says(world: World, steps: list[str]) -> None:
    talk, model = Talk(world), Model()
    talk.comes("first")
    model.state, model.waits = OPEN, True
    for step in steps:
        _step(step, talk, model)
