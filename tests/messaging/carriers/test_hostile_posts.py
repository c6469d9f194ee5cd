"""Posts that a carrier signed and nobody would write: each is answered 200 and kept, whatever is in it; and
without a good signature each is refused. Drawn by a seed; CADENCE_FUZZ_SEED draws others."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests import sizes
from tests.messaging.carriers.api import carrier_api
from tests.messaging.carriers.ends import CODES
from tests.messaging.carriers.ends.base import Post
from tests.messaging.carriers.posting import Line
from tests.requests import hostile
from tests.world import World, make_world, new_number

SEED = os.environ.get("CADENCE_FUZZ_SEED", "20261130")
POSTS = int(os.environ.get("CADENCE_FUZZ_POSTS", sizes.size("15", "300")))
_VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 2**63, -(2**70), 10**400, [], {}, [[]], [None], {"": ""}, "", "\x00",
    "\ud83d",
    "x" * 5_000, "9999-12-31T23:59:59.999999999-14:00", "0001-01-01T00:00:00+14:00", "NaN", "+1", "STOP",
    "rcs:+12125550100", "\N{RIGHT-TO-LEFT OVERRIDE}STOP",
]  # fmt: skip
_BODIES = [
    b"",
    b"null",
    b"0",
    b'"x"',
    b"[]",
    b"{}",
    b"[[[]]]",
    b"{" * 50_000,
    b"[" * 50_000 + b"]" * 50_000,
    b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    b"\x00" * 100,
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b"NaN",
    b"1e999999",
    b"9" * 6_000,
    b'"\\ud800"',
    b'{"a":1,"a":2}',
]


@pytest.fixture
def line(request: pytest.FixtureRequest, app: Flask) -> Iterator[Line]:
    world: World = make_world(app, "teams")
    with carrier_api(app):
        yield Line(world, request.param).open()


def _places(thing: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in JSON, and to JSON itself."""
    yield way
    inside: Any = (
        thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    )
    for step, value in inside:
        yield from _places(value, (*way, step))


def _spoiled(chance: random.Random, thing: Any) -> Any:
    """A copy in which one value is another, or gone."""
    made = copy.deepcopy(thing)
    way = chance.choice([way for way in _places(made) if way])
    holder = made
    for step in way[:-1]:
        holder = holder[step]
    if isinstance(holder, dict) and chance.random() < 0.2:
        del holder[way[-1]]
    else:
        holder[way[-1]] = chance.choice(_VALUES)
    return made


def _posts(line: Line, chance: random.Random) -> Iterator[Post]:
    """Posts with a good signature over what is wrong."""
    right = line.event(new_number(), "hello", "m-1", files=[("https://a.example/", "image/png")])
    for body in () if line.end.is_form else _BODIES:
        yield line.proven(body.decode("utf-8", "replace"))
    for _ in range(POSTS):
        if line.end.is_form:
            text = chance.choice(hostile.EVERY).decode("utf-8", "replace")
            yield line.end.posted(right | {chance.choice(list(right)): text}, line.address)
        else:
            yield line.end.posted(_spoiled(chance, right), line.address)


@pytest.mark.sized
@pytest.mark.parametrize("line", CODES, indirect=True)
def test_what_a_carrier_signed_is_answered_whatever_is_in_it(line: Line) -> None:
    chance = random.Random(f"{SEED} {line.carrier}")
    for post in _posts(line, chance):
        status = line.post(post).status_code
        assert status == 200, (status, post.body[:300])


@pytest.mark.parametrize("line", CODES, indirect=True)
def test_what_no_carrier_signed_is_refused_whatever_is_in_it(line: Line) -> None:
    chance = random.Random(f"{SEED} unsigned {line.carrier}")
    for body in [*_BODIES, *chance.sample(hostile.EVERY, 10)]:
        for names in ({}, dict(hostile.headers(chance))):
            status = line.post(Post(body, names)).status_code
            assert status in {400, 403, 413}, (status, body[:300], names)
