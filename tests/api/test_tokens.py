"""Who may call what: tokens, scopes, tenants, limits; and that every error is a problem."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select, text, update

from cadence_app import create_app
from cadence_app.accounts.models import User
from cadence_app.api import tokens
from cadence_app.api.models import ApiToken, Scope
from cadence_app.extensions import db, limiter
from cadence_app.ui import problems
from tests.api.conftest import Api, make_api, problem
from tests.world import World

# Every call: method, path (with a contact's id), scope, body.
CALLS: list[tuple[str, str, Scope | None, dict[str, object] | None]] = [
    ("GET", "/teams", None, None),
    ("GET", "/contacts", Scope.CONTACTS_READ, None),
    ("GET", "/contacts/{id}", Scope.CONTACTS_READ, None),
    ("GET", "/contacts/{id}/consents", Scope.CONSENT_READ, None),
    ("GET", "/contacts/{id}/may-text?inbox={inbox}", Scope.CONSENT_READ, None),
    ("PUT", "/contacts/{id}/consents/ADM", Scope.CONSENT_WRITE, {"status": "opted_out"}),
    (
        "POST",
        "/consents/bulk",
        Scope.CONSENT_WRITE,
        {"records": [{"contact_id": 1, "team": "ADM", "status": "opted_out"}]},
    ),
    ("GET", "/changes", Scope.CHANGES_READ, None),
    ("GET", "/exports", Scope.EXPORTS_READ, None),
    (
        "POST",
        "/exports",
        Scope.EXPORTS_WRITE,
        {"kind": "opt-out-history", "start_date": "2026-01-01", "end_date": "2026-01-31"},
    ),
    ("GET", "/exports/1", Scope.EXPORTS_READ, None),
    ("GET", "/exports/1/file", Scope.EXPORTS_READ, None),
]


def _end_token(api: Api, how: str) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with api.world.session():
        db.session.execute(update(ApiToken).where(ApiToken.id == api.token_id).values({how: past}))
        db.session.commit()


@pytest.mark.parametrize(("method", "path", "scope", "body"), CALLS)
def test_each_call_works_with_its_own_scope_and_with_no_other(
    world: World, method: str, path: str, scope: Scope | None, body: dict[str, object] | None
) -> None:
    path = path.format(id=world.add_contact(), inbox=quote(world.shared))
    for held in Scope:
        answer = make_api(world, [held]).call(method, path, json=body)
        if scope in (None, held):
            assert answer.status_code in {200, 202, 404, 409}, answer.text
            assert answer.status_code != 404 or path.startswith("/exports/1")
        else:
            assert problem(answer) == (403, "scope_missing")


@pytest.mark.parametrize(("method", "path", "scope", "body"), CALLS)
def test_without_a_token_that_works_every_call_is_401(
    world: World, method: str, path: str, scope: Scope | None, body: dict[str, object] | None
) -> None:
    client, path = world.app.test_client(), f"/api/v1{path.format(id=1, inbox=quote(world.shared))}"
    working = make_api(world)
    revoked, expired = make_api(world), make_api(world)
    _end_token(revoked, "revoked_at")
    _end_token(expired, "expires_at")
    head, _, secret = working.token.rpartition("_")
    wrong = f"{head}_{'0' * len(secret)}"
    headers = ["", "Bearer", "Basic YTpi", "Bearer nonsense", f"Bearer {wrong}", f"Token {working.token}"]
    headers += [f"Bearer {revoked.token}", f"Bearer {expired.token}", f"Bearer {working.token}\x00"]
    for value in headers:
        sent = {"Authorization": value} if value else {}
        answer = client.open(path, method=method, headers=sent, json=body)
        ended = value.endswith((revoked.token, expired.token))
        code = "token_ended" if ended else "token_refused" if " " in value else "token_needed"
        assert problem(answer) == (401, code if value != "Bearer" else "token_needed"), value
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_signed_in_admins_cookie_is_no_token(world: World) -> None:
    assert problem(world.sign_in("admin").get("/api/v1/contacts")) == (401, "token_needed")


def test_another_tenants_token_finds_nothing_and_changes_nothing(world: World, legacy_world: World) -> None:
    theirs = legacy_world.add_contact(external_id="7")
    make_api(legacy_world).set(theirs, "opted_in")
    export = make_api(legacy_world).post(
        "/exports", json={"kind": "opt-out-history", "start_date": "2026-01-01", "end_date": "2026-01-02"}
    )
    export_id = export.get_json()["id"]
    api = make_api(world)
    assert problem(api.get(f"/contacts/{theirs}"))[0] == 404
    assert problem(api.get(f"/contacts/{theirs}/consents"))[0] == 404
    assert problem(api.get(f"/contacts/{theirs}/may-text?inbox={quote(world.shared)}"))[0] == 404
    ours, inbox = world.add_contact(), quote(legacy_world.shared)
    assert problem(api.get(f"/contacts/{ours}/may-text?inbox={inbox}")) == (404, "inbox_not_found")
    assert problem(api.set(theirs, "opted_out"))[0] == 404
    assert problem(api.get(f"/exports/{export_id}"))[0] == 404
    assert problem(api.get(f"/exports/{export_id}/file"))[0] == 404
    assert api.get("/contacts?external_id=7").get_json()["items"] == []
    assert api.get("/changes").get_json()["items"] == []
    assert api.get("/exports").get_json()["items"] == []
    record = {"contact_id": theirs, "team": "ADM", "status": "opted_out"}
    (result,) = api.post("/consents/bulk", json={"records": [record]}).get_json()["results"]
    assert (result["result"], result["code"]) == ("refused", "contact_not_found")
    assert legacy_world.status(theirs) == "opted_in"


def test_only_a_hash_of_the_secret_is_stored_and_use_is_noted(api: Api) -> None:
    secret = api.token.rpartition("_")[2]
    with api.world.session():
        row = db.session.execute(
            text("SELECT t.*::text AS row FROM api_tokens t WHERE id = :id"), {"id": api.token_id}
        ).one()
        assert secret not in row.row
        assert db.session.get_one(ApiToken, api.token_id).last_used_at is None
    api.get("/teams")
    with api.world.session():
        first = db.session.get_one(ApiToken, api.token_id).last_used_at
    api.get("/teams")
    with api.world.session():
        assert first is not None
        assert db.session.get_one(ApiToken, api.token_id).last_used_at == first


def test_a_token_calls_so_often_and_then_waits_while_another_goes_on(world: World) -> None:
    api, other = make_api(world), make_api(world)
    app = create_app(dict(world.app.config) | {"RATELIMIT_ENABLED": True, "API_RATE_LIMIT": "3 per hour"})
    try:
        client = app.test_client()
        headers = {"Authorization": f"Bearer {api.token}"}
        answers = [client.get("/api/v1/teams", headers=headers) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [a.headers["X-RateLimit-Remaining"] for a in answers] == ["2", "1", "0", "0"]
        assert problem(answers[-1]) == (429, "too_many_calls")
        assert int(answers[-1].headers["Retry-After"]) > 0
        others = client.get("/api/v1/teams", headers={"Authorization": f"Bearer {other.token}"})
        assert others.status_code == 200
    finally:
        limiter.enabled = False


def test_guessing_tokens_is_limited_by_address(world: World) -> None:
    app = create_app(dict(world.app.config) | {"RATELIMIT_ENABLED": True})
    try:
        client = app.test_client()
        guess = {
            "headers": {"Authorization": "Bearer guess"},
            "environ_base": {"REMOTE_ADDR": f"10.0.0.{world.tenant_id % 250}"},
        }
        codes = [client.get("/api/v1/teams", **guess).status_code for _ in range(61)]
        assert (codes[0], codes[-1]) == (401, 429)
    finally:
        limiter.enabled = False


@pytest.mark.parametrize(
    ("method", "path", "options", "expected"),
    [
        ("GET", "/nothing-here", {}, (404, "not_found")),
        ("GET", "/contacts/0", {}, (404, "not_found")),
        ("GET", f"/contacts/{2**63}", {}, (404, "not_found")),
        ("GET", f"/contacts/{2**63 - 1}", {}, (404, "contact_not_found")),
        ("DELETE", "/contacts", {}, (405, "method_not_allowed")),
        ("POST", "/consents/bulk", {"data": "{", "content_type": "application/json"}, (400, "bad_json")),
        (
            "POST",
            "/consents/bulk",
            {"data": "[" * 100_000, "content_type": "application/json"},
            (400, "bad_json"),
        ),
        ("POST", "/consents/bulk", {"data": "{}", "content_type": "text/plain"}, (415, "json_needed")),
        ("POST", "/consents/bulk", {"json": []}, (422, "invalid")),
        ("POST", "/consents/bulk", {"json": {"records": [None]}}, (422, "invalid")),
        ("POST", "/exports", {"json": {"kind": "x" * 3_000_000}}, (413, "too_large")),
        ("GET", "/contacts?limit=201", {}, (422, "invalid")),
        ("GET", "/contacts?nonsense=1", {}, (422, "invalid")),
        ("GET", "/contacts?search=%00", {}, (422, "invalid")),
        ("GET", "/changes?since=yesterday", {}, (422, "invalid")),
        ("GET", "/changes?since=2026-01-01T00:00:00", {}, (422, "invalid")),
        ("GET", "/changes?team=NOPE", {}, (404, "team_not_found")),
    ],
)
def test_every_error_is_a_problem_with_its_code(
    api: Api, method: str, path: str, options: dict[str, Any], expected: tuple[int, str]
) -> None:
    answer = api.call(method, path, **options)
    assert problem(answer) == expected
    assert expected[1] in {code for code, _, _ in problems.CATALOGUE}
    assert answer.get_json()["type"].endswith(f"#{expected[1]}")
    if expected[0] == 405:
        assert "GET" in answer.headers["Allow"]


def test_a_crash_is_a_problem_too_and_says_nothing_of_itself(api: Api) -> None:
    with api.world.session():
        db.session.execute(
            update(ApiToken).where(ApiToken.id == api.token_id).values(created_by_id=api.world.agent_id)
        )
        db.session.commit()
    app = create_app(dict(api.world.app.config))
    app.view_functions["api.list_teams"] = lambda: str(1 / 0)
    answer = app.test_client().get("/api/v1/teams")
    assert problem(answer) == (500, "server_error")
    assert "division" not in answer.text


def test_a_field_that_is_wrong_is_pointed_at(api: Api) -> None:
    records = [{"contact_id": 1, "team": "ADM", "status": "maybe"}]
    answer = api.post("/consents/bulk", json={"records": records})
    assert answer.get_json()["errors"][0]["pointer"] == "/records/0/status"
    answer = api.get("/contacts?limit=0")
    assert answer.get_json()["errors"][0]["parameter"] == "limit"


@pytest.mark.parametrize("mode", ["teams", "legacy"])
def test_an_admin_makes_a_token_that_is_shown_once_works_and_can_be_revoked(
    mode: str, world: World, legacy_world: World
) -> None:
    here = world if mode == "teams" else legacy_world
    admin = here.sign_in("admin")
    form = {"name": "Student records", "scopes": ["contacts:read", "consent:write"], "days": "365"}
    made = admin.post("/settings/api-tokens", form)
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    with here.session():
        token = db.session.scalars(select(ApiToken)).one()
        assert token.scopes == ["contacts:read", "consent:write"]
    given = made.text.partition(f"cad_{token.key}_")[2][:64]
    api = Api(here, f"cad_{token.key}_{given}", token.id, token.name)
    assert api.get("/contacts").status_code == 200
    assert problem(api.get("/changes"))[0] == 403
    page = admin.get("/settings/api-tokens").text
    assert given not in page
    assert "Student records" in page
    again = admin.post("/settings/api-tokens", form)
    assert again.status_code == 422
    assert "of this name" in again.text
    asked = admin.get(f"/settings/api-tokens/{token.id}/revoke")
    assert "End Student records?" in asked.text
    assert api.get("/contacts").status_code == 200
    assert admin.post(f"/settings/api-tokens/{token.id}/revoke").status_code == 302
    assert problem(api.get("/contacts")) == (401, "token_ended")


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"name": " ", "scopes": ["contacts:read"]}, "Give the token a name"),
        ({"name": "x" * 81, "scopes": ["contacts:read"]}, "longer than 80"),
        ({"name": "a\x00b", "scopes": ["contacts:read"]}, "can&#39;t be stored"),
        ({"name": "Records", "scopes": []}, "Choose at least one"),
        ({"name": "Records", "scopes": ["everything"]}, "not a valid choice"),
        ({"name": "Records", "scopes": ["contacts:read"], "days": ""}, "Say for how many days"),
        ({"name": "Records", "scopes": ["contacts:read"], "days": "0"}, "Choose 1 to 730 days"),
        ({"name": "Records", "scopes": ["contacts:read"], "days": "731"}, "Choose 1 to 730 days"),
        ({"name": "Records", "scopes": ["contacts:read"], "days": "9" * 30}, "Choose 1 to 730 days"),
        ({"name": "Records", "scopes": ["contacts:read"], "days": "soon"}, "Not a valid integer"),
    ],
)
def test_a_token_that_can_not_be_made_is_told_at_its_field(
    world: World, form: dict[str, object], says: str
) -> None:
    answer = world.sign_in("admin").post("/settings/api-tokens", form)
    assert answer.status_code == 422
    assert says in answer.text
    with world.session():
        assert tokens.all_tokens() == []


def test_tokens_are_for_admins_and_for_their_own_tenant(world: World, legacy_world: World) -> None:
    theirs = make_api(legacy_world)
    paths = ["/settings/api-tokens", f"/settings/api-tokens/{theirs.token_id}/revoke", "/api/v1/docs"]
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    for path in paths:
        assert world.app.test_client().get(path).status_code == 302
        assert agent.get(path).status_code == 403
    assert agent.post(paths[0], {"name": "x", "scopes": ["contacts:read"]}).status_code == 403
    assert agent.post(paths[1]).status_code == 403
    assert "API tokens" in admin.get("/settings/").text
    assert admin.get(paths[1]).status_code == 404
    assert admin.post(paths[1]).status_code == 404
    assert admin.get(f"/settings/api-tokens/{2**70}/revoke").status_code == 404
    assert admin.get("/api/v1/docs").status_code == 200
    assert admin.client.post(paths[0], data={"name": "x", "scopes": "contacts:read"}).status_code == 400
    assert theirs.get("/teams").status_code == 200


def test_the_last_day_of_a_token_is_a_whole_day_of_the_tenants_zone(world: World) -> None:
    with world.session():
        user = db.session.get_one(User, world.admin_id)
        last = datetime.now(user.tenant.zone).date() + timedelta(days=30)
        token, _ = tokens.create_token(user, "Until then", [Scope.CONTACTS_READ], 30)
        local = token.expires_at.astimezone(user.tenant.zone)
    assert (local.date(), local.hour) == (last + timedelta(days=1), 0)


def test_what_a_token_did_is_named_in_the_history_and_on_the_card(api: Api) -> None:
    contact_id = api.world.add_contact()
    api.set(contact_id, "opted_out", "Asked by e-mail.")
    (row,) = api.world.history(contact_id)
    assert (row.source, row.user_id, row.user_name) == ("api", None, f"{api.name} (API token)")
    assert row.reason == "Asked by e-mail."
    page = api.world.sign_in("admin").get(f"/contacts/{contact_id}").text
    assert f"Through the API, {api.name} (API token)" in page


def test_an_answer_is_a_download_for_a_browser_that_was_led_to_it(api: Api) -> None:
    for path in ("/teams", "/contacts/0"):
        answer = api.get(path)
        assert answer.headers["Content-Disposition"] == 'attachment; filename="api.json"', path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
