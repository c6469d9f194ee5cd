"""The OpenAPI document, and schemathesis over all of it: seeded, so that a failure is the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

from tests.api.conftest import Api, make_api
from tests.world import World, make_world, new_number

PATH = "/api/v1/openapi.json"
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 20261124,
        # A range that ends before it starts is well formed, and JSON Schema has no way to say that it must not.
        "operations": [
            {
                "include-name": "POST /api/v1/exports",
                "checks": {
                    "positive_data_acceptance": {
                        "expected-statuses": ["2xx", "401", "403", "404", "409", "422"]
                    }
                },
            }
        ],
    }
)


@pytest.fixture
def schema(app: Flask) -> Any:
    return schemathesis.openapi.from_wsgi(PATH, app, config=CONFIG)


@pytest.fixture(scope="module")
def called(app: Flask) -> Iterator[tuple[Api, int]]:
    """A token with every scope, in a tenant with a contact of each status, an export and some history."""
    world: World = make_world(app, "teams")
    api = make_api(world)
    for words in ("hello", "STOP", "please stop texting me"):
        world.text(number := new_number(), words)
    body = {"kind": "opt-out-history", "start_date": "2026-01-01", "end_date": "2026-01-31"}
    api.post("/exports", json=body)
    yield api, world.contact_id(number)


every_call = schemathesis.pytest.from_fixture("schema")


@every_call.parametrize()
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_every_call_keeps_to_the_document(case: Case, called: tuple[Api, int]) -> None:
    api, contact_id = called
    # Half of the well-formed calls are for a contact that there is; the rest mostly find none.
    if case.meta is not None and case.meta.generation.mode.is_positive and contact_id % 2 == case.path_parameters.get("contact_id", 0) % 2:
        case.path_parameters["contact_id"] = contact_id
    case.call_and_validate(headers={"Authorization": f"Bearer {api.token}"})


def test_the_document_is_openapi_3_1_and_open_to_all(app: Flask) -> None:
    answer = app.test_client().get(PATH)
    assert answer.status_code == 200
    document = answer.get_json()
    assert document["openapi"].startswith("3.1.")
    calls = [call for path in document["paths"].values() for call in path.values()]
    assert len(calls) == 11
    for call in calls:
        assert call["summary"]
        assert call["security"]
        assert "application/problem+json" not in call["responses"]
        for status, response in call["responses"].items():
            if status >= "400":
                assert response == {"$ref": "#/components/responses/Problem"}
