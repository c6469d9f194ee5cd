"""A stop stays with its number whatever happens to two numbers and those who have them: a property."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent import by_user as consent
from cadence_app.consent.by_api import Wanted, set_by_api
from cadence_app.consent.number_holders import contact_with
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db
from cadence_app.records import phones
from tests import sizes
from tests.consent.numbers import AGREED, add_by_hand
from tests.contacts import importing
from tests.records.people import IN, OUT, erase, merge, text_at
from tests.world import World, new_number

# What may happen to two numbers, of which each always has a holder or none.
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "text",
                "STOP",
                "STOPALL",
                "START",
                "HELP",
                "add",
                "move",
                "end",
                "merge",
                "import",
                "api",
                "erase",
                "please stop",
                "decide",
            ]
        ),
        st.integers(0, 1),
        st.booleans(),
    ),
    max_size=14,
)


@pytest.mark.sized
@settings(
    max_examples=sizes.size(6, 150),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(EVENTS)
def test_no_number_whose_last_word_was_a_stop_is_opted_in_without_start_or_a_written_reason(
    world: World, events: list[tuple[str, int, bool]]
) -> None:
    numbers = [new_number(), new_number()]
    teams = (world.team_id, world.other_team_id)
    inboxes = (world.shared, world.other_shared)
    # Which of the teams each number has stopped, by what its phone said last; None is those joined later.
    stopped: list[set[int | None]] = [set(), set()]
    # Who has agreed in writing, in which team.
    agreed: set[tuple[int, int]] = set()
    # Of whom, in which team, words wait for a person, and which number wrote them.
    waiting: list[tuple[int, int, int]] = []
    # Who had the number by the time of that decision, and waits for a person.
    held: set[tuple[int, int]] = set()
    for what, which, other in events:
        note(f"{what} {which} {other}")
        number, team_id = numbers[which], teams[other]
        with world.session():
            holder = contact_with(number)
            texted = holder is not None and db.session.get_one(Contact, holder).number == number
        if what in ("text", "STOP", "STOPALL", "START", "HELP"):
            body = "who is this?" if what == "text" else what
            world.text(number, body, inboxes[other])
            if what == "STOP":
                stopped[which].add(team_id)
                agreed = {pair for pair in agreed if pair[0] != holder}
            elif what == "STOPALL":
                joined = [each for each in teams if holder and world.status(holder, each)]
                stopped[which].update({team_id, None, *joined})
                agreed = {pair for pair in agreed if pair[0] != holder}
            elif what == "START":
                stopped[which] -= {team_id, None}
            if what != "text" and what != "HELP":
                # The keyword of a team decides what waits there; START is the later word of its phone.
                closed = [
                    each for each in waiting if what == "STOPALL" or (what == "STOP" and each[1] == team_id)
                ]
                closed = [each for each in closed if each[0] == holder]
                for _, in_team, wrote in closed:
                    stopped[wrote].add(in_team)
                    held |= held_by_now(world, numbers[wrote], holder, in_team)
                started = [each for each in waiting if what == "START" and each[1:] == (team_id, which)]
                waiting = [each for each in waiting if each not in (*closed, *started)]
        elif what == "please stop":
            world.text(number, "please stop texting me", inboxes[other])
            with world.session():
                holder = contact_with(number)
            assert holder
            if world.status(holder, team_id) == OUT:
                stopped[which].add(team_id)
            else:
                waiting.append((holder, team_id, which))
        elif what == "decide" and holder and world.status(holder, team_id):
            with world.session():
                consent.set_by_user(db.session.get_one(User, world.agent_id), holder, team_id, OUT)
                db.session.commit()
            decided = [each for each in waiting if each[:2] == (holder, team_id)]
            for _, _, wrote in decided:
                stopped[wrote].add(team_id)
                held |= held_by_now(world, numbers[wrote], holder, team_id)
            agreed -= {(who, in_team) for who, in_team in agreed if decided and who == holder}
            waiting = [each for each in waiting if each not in decided]
        elif what == "add" and holder is None:
            add_by_hand(world, number, team_id)
        elif what == "move" and holder and texted:
            text_at(world, holder, new_number(), AGREED if other else "")
        elif what == "end" and holder and not texted:
            with world.session():
                of_it = select(ContactNumber.id).where(
                    ContactNumber.number == number, ContactNumber.until.is_(None)
                )
                user = db.session.get_one(User, world.agent_id)
                phones.end_number(user, holder, db.session.scalars(of_it).one())
        elif what == "merge":
            merge_into_other(world, numbers, which, other)
            waiting = []
        elif what == "import":
            code = "AID" if other else "ADM"
            importing.run(world, importing.csv_of(("", "", "", number, code, "no")))
        elif what == "api" and holder:
            with world.session():
                wanted = Wanted(holder, team_id, IN, AGREED if other else "", number)
                set_by_api([wanted], "API token CRM")
                db.session.commit()
            if other:
                agreed.add((holder, team_id))
        elif what == "erase" and holder:
            erase(world, holder)
            waiting = []
        for each, said in zip(numbers, stopped, strict=True):
            with world.session():
                holder = contact_with(each)
                texted = holder is not None and db.session.get_one(Contact, holder).number == each
            for team_id in teams if None in said else [each for each in said if each]:
                if texted and holder and (holder, team_id) not in agreed | held:
                    assert world.status(holder, team_id) != IN, (each, team_id)


def held_by_now(world: World, number: str, wrote: int | None, team_id: int) -> set[tuple[int, int]]:
    """Who has a number from which somebody else wrote words, and is opted in to the team."""
    with world.session():
        holder = contact_with(number)
    if holder is None or holder == wrote or world.status(holder, team_id) != IN:
        return set()
    return {(holder, team_id)}


def merge_into_other(world: World, numbers: list[str], which: int, texted_gone: bool) -> None:
    with world.session():
        gone, kept = contact_with(numbers[which]), contact_with(numbers[1 - which])
    if gone and kept and gone != kept:
        merge(world, kept, gone, gone if texted_gone else kept)
