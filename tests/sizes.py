"""How much a test tries. What takes long is in two sizes: each run has the small one, `script/test --long`
the whole.

Two marks say what a test is to the long run, and all others are none of its: `long` is only in that one,
`sized` is in both and is larger there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

OPTION = "--long"
# Set before any file of tests is read, for what they try is decided as they are.
_chosen = {"long": False}


def choose(long: bool) -> None:
    _chosen["long"] = long


def is_long() -> bool:
    """Whether this is the long run."""
    return _chosen["long"]


def size(few: Any, all_of_it: Any) -> Any:
    """How many, or which, in this run. The test that uses it has the mark `sized`."""
    return all_of_it if is_long() else few


def few_of(values: Iterable[Any], places: Iterable[int]) -> list[Any]:
    """Parameters of a test: each run has those at these places, and the long run the others."""
    chosen = set(places)
    return [value if place in chosen else _long(value) for place, value in enumerate(values)]


def _long(value: Any) -> Any:
    if hasattr(value, "marks"):
        return pytest.param(*value.values, marks=[*value.marks, pytest.mark.long], id=value.id)
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.long)


def is_of_this_run(item: pytest.Item) -> bool:
    if is_long():
        return any(item.get_closest_marker(mark) for mark in ("long", "sized"))
    return not item.get_closest_marker("long")
