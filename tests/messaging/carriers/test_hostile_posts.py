"""Posts that a carrier signed and nobody would write: each is answered 200 and kept, whatever is in it; and
without a good signature each is refused. Drawn by a seed; CADENCE_FUZZ_SEED draws others."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from cadence_app.messaging.carriers.models import Carrier
from tests.messaging.carriers import sns
from tests.messaging.carriers.api import carrier_api
from tests.messaging.carriers.posting import Line
from tests.requests import hostile
from tests.world import World, make_world, new_number

SEED = os.environ.get("CADENCE_FUZZ_SEED", "20261130")
POSTS = int(os.environ.get("CADENCE_FUZZ_POSTS", "40"))
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


def _proven(line: Line, body: str) -> tuple[bytes, dict[str, str]]:
    if line.carrier == Carrier.TELNYX:
        return line.signed(body)
    return line.basic(body)


def _posts(line: Line, chance: random.Random) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Posts with a good signature over what is wrong."""
    right = line.content(new_number(), "hello", "m-1")[0]
    if line.carrier == Carrier.TWILIO:
        fields = {"MessageSid": "SM1", "From": new_number(), "To": line.world.shared, "Body": "hello"}
        fields |= {"NumMedia": "1", "MediaUrl0": "https://a.example/", "SmsStatus": "received"}
        for _ in range(POSTS):
            text = chance.choice(hostile.EVERY).decode("utf-8", "replace")
            yield line._form(fields | {chance.choice(list(fields)): text})
        return
    outer = json.loads(right)
    if line.carrier == Carrier.AWS:
        inner = json.loads(outer["Message"])
        for body in _BODIES:
            yield line.of_topic(sns.signed({**outer, "Message": body.decode("utf-8", "replace")}))
        for _ in range(POSTS):
            yield line.of_topic(sns.notification(_spoiled(chance, inner)))
        return
    for body in _BODIES:
        yield _proven(line, body.decode("utf-8", "replace"))
    for _ in range(POSTS):
        yield _proven(line, json.dumps(_spoiled(chance, outer)))


@pytest.mark.parametrize("line", Carrier, indirect=True)
def test_what_a_carrier_signed_is_answered_whatever_is_in_it(line: Line) -> None:
    chance = random.Random(f"{SEED} {line.carrier}")
    for body, headers in _posts(line, chance):
        status = line.post(body, headers).status_code
        # SNS proves a post by its own JSON: one that can't be read is proven by nobody.
        assert status == 200, (status, body[:300])


@pytest.mark.parametrize("line", Carrier, indirect=True)
def test_what_no_carrier_signed_is_refused_whatever_is_in_it(line: Line) -> None:
    chance = random.Random(f"{SEED} unsigned {line.carrier}")
    for body in [*_BODIES, *chance.sample(hostile.EVERY, 10)]:
        for names in ({}, dict(hostile.headers(chance))):
            status = line.post(body, names).status_code
            assert status in {400, 403, 413}, (status, body[:300], names)
