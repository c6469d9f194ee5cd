"""What a text does, decided of values alone: no application and no database is there in these tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadence_app.consent.deciding import ANSWER_WITHIN, Arrival, Decided, Note, Policy, decide
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.models import BlockScope, Source, Status, StopOrigin
from cadence_app.consent.standing import InTeam, KeptStop, OpenFlag, Question, Standing, StoredBlock
from cadence_app.consent.text_effects import (
    AskTeamOnly,
    First,
    Flag,
    KeepStop,
    LiftBlock,
    LiftStops,
    OnlyThisTeam,
    OptIn,
    OptOut,
)
from tests import sizes

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TEAM, OTHER, INBOX = 1, 2, 7
PHONE, SECOND = "+16075550101", "+16075550102"
MINUTE = timedelta(minutes=1)


def standing(*statuses: InTeam, **more: Any) -> Standing:
    return replace(Standing(contact_id=3, at=NOW, statuses=statuses), **more)


def member(
    team_id: int = TEAM, status: str = "opted_in", ago: int = 60, stopped: int | None = None
) -> InTeam:
    at = None if stopped is None else NOW - stopped * MINUTE
    source = Source.KEYWORD if stopped else Source.TOGGLE
    return InTeam(team_id, Status(status), NOW - 60 * MINUTE, at, source)


def text(words: str, **more: Any) -> Arrival:
    plain = Arrival(TEAM, INBOX, words, personal=False, toll_free=False, received_at=NOW, number=PHONE)
    return replace(plain, **more)


def kinds(decided: Decided) -> list[type]:
    return [type(effect) for effect in decided.effects]


def test_start_of_somebody_opted_in_lifts_what_an_earlier_stop_left_and_is_not_answered() -> None:
    before = NOW - 5 * MINUTE
    stored = standing(
        member(),
        bars=(StoredBlock(BlockScope.ORGANISATION, before), StoredBlock(BlockScope.PERSONAL, before)),
        stops=(KeptStop("ab", True, BlockScope.TEAM, TEAM, before, StopOrigin.TEXT, ""),),
    )
    decided = decide(stored, text("START", personal=True), Policy())
    assert decided.effects == (
        LiftStops(personal=True),
        LiftBlock(BlockScope.ORGANISATION),
        LiftBlock(BlockScope.PERSONAL),
    )
    assert (decided.answer, decided.opted_out) == (None, False)
    assert decide(standing(member()), text("START"), Policy()).effects == ()


def test_an_opt_in_that_comes_late_lifts_what_is_older_and_nothing_newer() -> None:
    stored = standing(
        member(status="opted_out"),
        bars=(
            StoredBlock(BlockScope.ORGANISATION, NOW - MINUTE),
            StoredBlock(BlockScope.PERSONAL, NOW - 9 * MINUTE),
        ),
    )
    decided = decide(stored, text("START", personal=True, received_at=NOW - 5 * MINUTE), Policy())
    assert decided.effects == (LiftBlock(BlockScope.PERSONAL),)
    assert (decided.note, decided.opted_out) == (Note.SENT_BEFORE_STOP, True)


def test_what_is_asked_is_asked_only_where_the_answer_could_give_something_back() -> None:
    policy = Policy(everywhere=True, asks_team_only=True)
    asked = decide(standing(member(), member(OTHER)), text("STOP"), policy)
    assert (asked.asks_team_only, AskTeamOnly in kinds(asked)) == (True, True)
    barred = (StoredBlock(BlockScope.ORGANISATION, NOW - MINUTE),)
    told = decide(standing(member(), member(OTHER, "opted_out"), bars=barred), text("STOP"), policy)
    assert (told.asks_team_only, told.answer) == (False, Meaning.OUT)


def test_team_is_an_answer_from_the_phone_and_to_the_team_that_were_asked_for_seven_days() -> None:
    question = Question(TEAM, PHONE, NOW - MINUTE, reply_id=5)
    stored = standing(member(status="opted_out", stopped=1), question=question)
    answer = text("TEAM", answers_team_only=True)
    assert decide(stored, answer, Policy()).effects == (OnlyThisTeam(),)
    late = replace(answer, received_at=question.said_at + ANSWER_WITHIN + MINUTE)
    assert decide(stored, late, Policy()).note == Note.ANSWER_TOO_LATE
    for no_answer in (
        replace(answer, number=SECOND),
        replace(answer, team_id=OTHER),
        replace(answer, received_at=question.said_at - MINUTE),
        replace(answer, answers_team_only=False),
    ):
        assert OnlyThisTeam not in kinds(decide(stored, no_answer, Policy()))


def test_who_had_a_number_that_was_stopped_starts_out_for_the_reason_of_the_newest_stop() -> None:
    bars = tuple(
        StoredBlock(BlockScope.TEAM, NOW - ago * MINUTE, PHONE, TEAM, None, f"Stopped {ago} minutes ago.")
        for ago in (9, 4)
    )
    decided = decide(standing(bars=bars), text("hello"), Policy())
    assert decided.effects == (First(Status.OPTED_OUT, "Stopped 4 minutes ago.", stopped=True),)


times = st.integers(0, 8).map(lambda ago: NOW - ago * MINUTE)
numbers = st.sampled_from([PHONE, SECOND])
statuses = st.sampled_from([TEAM, OTHER]).flatmap(
    lambda team: st.builds(
        InTeam,
        st.just(team),
        st.sampled_from(Status),
        times,
        st.none() | times,
        st.sampled_from([Source.KEYWORD, Source.TOGGLE, Source.COLD_INBOUND]),
    )
)
said = st.just("An earlier holder texted STOP.")
bars = st.one_of(
    st.builds(StoredBlock, st.sampled_from([BlockScope.PERSONAL, BlockScope.ORGANISATION]), times),
    st.builds(StoredBlock, st.just(BlockScope.ORGANISATION), times, numbers, reason=said),
    st.builds(
        StoredBlock,
        st.just(BlockScope.TEAM),
        times,
        numbers,
        st.sampled_from([TEAM, OTHER]),
        reason=st.just("x"),
    ),
    st.builds(StoredBlock, st.just(BlockScope.CARRIER_NUMBER), times, numbers, inbox_id=st.just(INBOX)),
)
standings = st.builds(
    Standing,
    st.just(3),
    st.just(NOW),
    st.lists(statuses, max_size=2, unique_by=lambda each: each.team_id).map(tuple),
    st.lists(bars, max_size=3).map(lambda each: tuple(sorted(each, key=lambda bar: bar.since))),
    st.lists(st.builds(OpenFlag, st.just(9), st.just(TEAM), st.just((PHONE,))), max_size=1).map(tuple),
    st.none() | st.builds(Question, st.sampled_from([TEAM, OTHER]), numbers, times, st.just(5)),
)
arrivals = st.builds(
    text,
    st.sampled_from(["STOP", "stopall", "START", "yes", "HELP", "TEAM", "hello", "take me off this list"]),
    personal=st.booleans(),
    toll_free=st.booleans(),
    received_at=times,
    number=numbers,
    texted=st.booleans(),
    carrier_meaning=st.sampled_from([None, None, Meaning.OUT]),
    carrier_inboxes=st.sampled_from([(), (INBOX, 8)]),
    answers_team_only=st.booleans(),
)
policies = st.builds(Policy, st.booleans(), st.booleans(), st.booleans())


@pytest.mark.sized
@settings(max_examples=sizes.size(80, 2000), deadline=None)
@given(stored=standings, arrival=arrivals, policy=policies)
def test_whatever_is_said_a_stop_counts_and_no_opt_in_is_made_up(
    stored: Standing, arrival: Arrival, policy: Policy
) -> None:
    decided = decide(stored, arrival, policy)
    assert decided == decide(stored, arrival, policy)
    own = stored.in_team(arrival.team_id)
    done = kinds(decided)
    if decided.keyword and decided.keyword.meaning == Meaning.OUT:
        # Rule 15: a stop is never refused, and it stays with the number.
        (stop,) = (effect for effect in decided.effects if isinstance(effect, OptOut))
        (kept,) = (effect for effect in decided.effects if isinstance(effect, KeepStop))
        assert (arrival.team_id in stop.team_ids, decided.opted_out) == (True, True)
        assert kept == KeepStop(stop.team_ids, arrival.personal, kept.everywhere)
        assert kept.everywhere == (policy.everywhere or decided.keyword.every_team)
    if own and own.opted_out and not decided.opted_out:
        # Out, and in again: only by their own opt in, from the phone that is texted, said after the stop.
        assert (OptIn in done, arrival.texted) == (True, True)
        assert decided.keyword
        assert decided.keyword.meaning == Meaning.IN
        assert own.stopped_at is None or arrival.received_at >= own.stopped_at
    if own is None:
        # Whoever texts is in the team then, but for an opt in from another phone of theirs.
        joined = {OptOut, OptIn, First} & set(done)
        assert joined or (decided.note, decided.opted_out) == (Note.OTHER_PHONE, False)
        # A status that nobody had said anything against.
        assert decided.opted_out or not joined or arrival.texted
    if decided.answer == Meaning.OUT:
        assert OptOut in done
    assert not ({OptIn, First} & set(done) and OptOut in done)
    assert done.count(Flag) <= 1


@pytest.mark.sized
@settings(max_examples=sizes.size(50, 1000), deadline=None)
@given(stored=standings, arrival=arrivals, policy=policies)
def test_a_stop_of_a_team_leaves_every_other_team_alone(
    stored: Standing, arrival: Arrival, policy: Policy
) -> None:
    stop = replace(arrival, words="STOP", answers_team_only=False)
    decided = decide(stored, stop, replace(policy, everywhere=False))
    assert [effect.team_ids for effect in decided.effects if isinstance(effect, OptOut)] == [(TEAM,)]
