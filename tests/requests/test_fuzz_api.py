"""Every parameter and every value of a body that the API's document names, with what nobody sends by chance:
nothing is a crash. tests/api/test_document.py runs schemathesis over the same document; here stand the values
that crash programs, whether the document allows them or not."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from cadence_app.api.document import document
from tests import sizes
from tests.api.conftest import Api, make_api
from tests.requests import hostile
from tests.requests.calls import Call, calls, example, places, replaced
from tests.world import make_world, new_number

SEED = os.environ.get("CADENCE_FUZZ_SEED", "20261130")
MOST = len(hostile.EVERY) if os.environ.get("CADENCE_FUZZ") == "all" else sizes.size(3, 20)
_JSON: list[Any] = [None, True, 0, -1, 1.5, 2**63, -(2**70), 10**400, [], {}, [[]], "", "\x00", "\ud800"]
_BODIES = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"[" * 50_000,
    b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    b"\xff\xfe",
    b"NaN",
    b"1e999999",
    b'"\\ud800"',
    b'{"items":[' + b"{}," * 5_000 + b"{}]}",
]
_TYPES = ["application/json", "application/json; charset=utf-7", "text/plain", "", "application/xml"]


@pytest.fixture(scope="module")
def api(app: Flask) -> Api:
    world = make_world(app, "teams")
    made = make_api(world)
    for words in ("hello", "STOP"):
        world.text(new_number(), words)
    return made


def _send(api: Api, method: str, path: str, **options: Any) -> TestResponse:
    headers = [("Authorization", f"Bearer {api.token}"), *options.pop("headers", [])]
    return api.world.app.test_client().open(f"{path}", method=method, headers=headers, **options)


def _variants(call: Call, schemas: dict[str, Any], chance: random.Random) -> Iterator[dict[str, Any]]:
    """What is sent: a path, a query, headers, a body."""
    _, path, said = call
    parameters = said.get("parameters", [])
    here = {each["name"]: "1" for each in parameters if each["in"] == "path"} | {"team": "ADM"}
    content = said.get("requestBody", {}).get("content", {}).get("application/json")
    right = example(content["schema"], schemas) if content else None
    body = {"json": right} if content else {}
    for each in parameters:
        values = chance.sample(hostile.EVERY, min(MOST, len(hostile.EVERY)))
        for value in values:
            if each["in"] == "path":
                spoiled = here | {each["name"]: quote(value[:2000], safe="")}
                yield {"path": path.format_map(spoiled), **body}
            elif each["in"] == "query":
                yield {"path": f"{path.format_map(here)}?{each['name']}={quote(value, safe='')}", **body}
            else:
                text = value[:3000].decode("latin-1").translate({10: None, 13: None})
                yield {"path": path.format_map(here), "headers": [(each["name"], text)], **body}
    for _ in range(MOST):
        yield {"path": path.format_map(here), "headers": hostile.headers(chance), **body}
    if content is None:
        return
    for way in places(right):
        texts = [value.decode("utf-8", "replace") for value in chance.sample(hostile.EVERY, MOST)]
        plain = chance.sample(_JSON, min(MOST, len(_JSON)))
        for value in [*plain, *texts, chance.choice(["9999-12-31", "0001-01-01"])]:
            yield {"path": path.format_map(here), "json": replaced(right, way, value)}
    for raw in _BODIES:
        yield {"path": path.format_map(here), "data": raw, "content_type": chance.choice(_TYPES[:2])}
    for kind in _TYPES:
        yield {"path": path.format_map(here), "data": json.dumps(right), "content_type": kind}


@pytest.mark.sized
def test_no_value_that_a_call_takes_is_a_crash(app: Flask, api: Api) -> None:
    with app.app_context(), app.test_request_context():
        schemas = document()["components"]["schemas"]
    chance, failures = random.Random(SEED), []
    for call in calls(app):
        for sent in _variants(call, schemas, chance):
            path = sent.pop("path")
            answer = _send(api, call[0], path, **sent)
            answer.close()
            if answer.status_code >= 500:
                failures.append(f"{call[0]} {path[:200]} {str(sent)[:300]}")
    assert failures == []


@pytest.mark.parametrize("day", ["9999-12-31", "9999-12-30", "0001-01-01", "2100-01-01"])
def test_an_export_to_a_day_that_nobody_means_is_refused_at_that_day(api: Api, day: str) -> None:
    body = {"kind": "opt-out-history", "start_date": "2026-01-01", "end_date": day}
    answer = api.post("/exports", json=body)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"] == "/end_date"
