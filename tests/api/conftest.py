from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import TestResponse

from cadence_app.accounts.models import User
from cadence_app.api import tokens
from cadence_app.api.models import Scope
from cadence_app.extensions import db
from tests.world import World, new_number


@dataclass
class Api:
    """A program with a token."""

    world: World
    token: str
    token_id: int
    name: str

    def call(self, method: str, path: str, *, key: str = "", **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        return self.world.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def put(self, path: str, **options: Any) -> TestResponse:
        return self.call("PUT", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.call("POST", path, **options)

    def set(self, contact_id: int, status: str, reason: str = "", team: str = "ADM") -> TestResponse:
        return self.put(f"/contacts/{contact_id}/consents/{team}", json={"status": status, "reason": reason})


def make_api(world: World, scopes: Sequence[Scope] = tuple(Scope), name: str = "") -> Api:
    name = name or f"Records {new_number()}"
    with world.session():
        user = db.session.get_one(User, world.admin_id)
        token, text = tokens.create_token(user, name, list(scopes))
        return Api(world, text, token.id, name)


@pytest.fixture
def api(world: World) -> Api:
    """A token of the Teams tenant with every scope."""
    return make_api(world)


def problem(answer: TestResponse) -> tuple[int, str]:
    """The status and code of an answer that must be a problem."""
    assert answer.mimetype == "application/problem+json", answer.text[:300]
    body = answer.get_json()
    assert body["status"] == answer.status_code
    assert {"type", "title", "detail", "code"} <= body.keys()
    return answer.status_code, body["code"]


def consent_record(contact_id: int, status: str, team: str = "ADM", **more: Any) -> dict[str, Any]:
    """One of the records that many changes at once take."""
    return {"contact_id": contact_id, "team": team, "status": status} | more
