"""Each wait is twice the one before, a tenth more or less, and never past the longest by more than that."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from cadence_app.work.retrying import Retrying, spread

_MAILS = Retrying(timedelta(seconds=10), timedelta(minutes=15), attempts=290)


@given(st.integers(1, 10_000), st.integers(1, 3600), st.integers(1, 86_400))
def test_a_wait_is_the_doubled_first_one_within_a_tenth(attempts: int, first: int, longest: int) -> None:
    wait = Retrying(timedelta(seconds=first), timedelta(seconds=longest)).wait(attempts)
    exactly = min(first * 2 ** min(attempts - 1, 60), longest)
    assert 0.9 * exactly <= wait.total_seconds() + 1e-6
    assert wait.total_seconds() <= 1.1 * exactly + 1e-6


@given(st.integers(1, 400), st.integers(0, 10_000))
def test_it_waits_as_long_as_it_was_asked_to(attempts: int, seconds: int) -> None:
    assert _MAILS.wait(attempts, at_least=timedelta(seconds=seconds)) >= timedelta(seconds=seconds)


def test_what_failed_together_does_not_come_back_together() -> None:
    assert len({_MAILS.wait(20) for _ in range(100)}) > 90
    assert all(0.9 <= spread(timedelta(seconds=1)).total_seconds() <= 1.1 for _ in range(100))


def test_it_is_over_after_so_many_tries_or_never() -> None:
    assert [_MAILS.over(tries) for tries in (1, 289, 290, 291)] == [False, False, True, True]
    assert not Retrying(timedelta(1), timedelta(1)).over(10**9)


def test_mails_are_tried_for_three_days() -> None:
    days = sum((_MAILS.wait(tries) for tries in range(1, 290)), timedelta()) / timedelta(days=1)
    assert 2.8 < days < 3.1
