"""That a property that fails says so soon, whatever an example costs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import engine

from tests.properties import SECONDS_TO_SHRINK

# Of one example, by the clock of this test.
_SECONDS = 1.0


def test_a_property_that_fails_says_so_within_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def now() -> float:
        return _SECONDS * len(tried)

    monkeypatch.setattr(engine, "time", SimpleNamespace(perf_counter=now, monotonic=now))

    @settings(database=None, deadline=None)
    @given(st.lists(st.integers(), min_size=4))
    def nothing_is_large(values: list[int]) -> None:
        tried.append(len(values))
        assert sum(values) < 1_000_000
        assert max(values) - min(values) < 1_000

    with pytest.raises(AssertionError):
        nothing_is_large()
    first = next(place for place, size in enumerate(tried) if size)
    # And a few to see that it fails again, and how.
    assert len(tried) - first < 3 * SECONDS_TO_SHRINK
