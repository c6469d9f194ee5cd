"""Ids of another tenant's in forms, queries, JSON and headers: nothing of theirs is shown or changed, and
nothing of one's own points to it.

Which parameters carry ids is not listed: every sequence is moved apart first, so that an id tells by itself
of which table it is, and whatever a page or the document of the API holds of one's own becomes theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, select, text
from werkzeug.test import TestResponse

from cadence_app.accounts.models import Role, Team, User
from cadence_app.api import tokens
from cadence_app.api.document import document
from cadence_app.api.models import Scope
from cadence_app.extensions import db
from cadence_app.tenancy import use_tenant
from tests import sizes
from tests.accounts.routes.lines import LINES
from tests.accounts.routes.organisation import Made, make_organisation, path_of
from tests.requests import pages
from tests.requests.calls import calls, example, places, replaced, without
from tests.requests.pages import Field
from tests.world import PASSWORD

_APART = 10**9
_ID = re.compile(r"(?<![\d+])[1-9]\d{9,11}(?!\d)")
_TABLES = """
SELECT t.oid::regclass::text, CASE WHEN a.attname = 'id' AND b.attname = 'tenant_id' THEN
    pg_get_serial_sequence(t.oid::regclass::text, a.attname) END FROM pg_class t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'id' AND NOT a.attisdropped
JOIN pg_attribute b ON b.attrelid = t.oid AND b.attname = 'tenant_id' AND NOT b.attisdropped
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r' ORDER BY 1
"""
_OF_TENANTS = """
SELECT t.oid::regclass::text FROM pg_class t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r' ORDER BY 1
"""
_USUAL = {
    "date": "2026-03-01",
    "datetime-local": "2030-12-31T10:00",
    "email": "somebody@college.example",
    "number": "1",
    "password": PASSWORD,
    "tel": "+12125550123",
    "time": "10:00",
    "url": "https://a.example/",
}
# One's own session ends with these, or (the tools of developers) they are for every tenant at once.
_SKIPPED = re.compile(r"^/dev/|logout|end-all|sessions|sign-out|/password")


@dataclass
class Pair:
    """Two tenants with one of everything each: `mine` is an admin of the first."""

    mine: Made
    theirs: Made
    connection: Connection
    tables: list[str]
    known: dict[int, int | None] = field(default_factory=dict)

    def their_id(self, own: int) -> int | None:
        """An id of theirs, of the table that one of one's own is of."""
        place = own // _APART - 1
        if not 0 <= place < len(self.tables):
            return None
        if place not in self.known:
            query = f"SELECT min(id) FROM {self.tables[place]} WHERE tenant_id = :id"
            self.known[place] = self.connection.scalar(text(query), {"id": self.theirs.ids["tenant_id"]})
        return self.known[place]

    def replaced(self, value: str) -> str | None:
        """A value with ids of theirs in the place of one's own; None where it has none."""
        found = False

        def other(match: re.Match[str]) -> str:
            nonlocal found
            theirs = self.their_id(int(match[0]))
            found = found or theirs is not None
            return str(theirs or match[0])

        changed = _ID.sub(other, value)
        return changed if found else None

    def digest(self, tenant_id: object) -> dict[str, str]:
        """All that a tenant has, by table."""
        found = {}
        for table in self.connection.scalars(text(_OF_TENANTS)).all():
            rows = (
                f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t WHERE tenant_id = :id"
            )
            found[table] = self.connection.scalar(text(rows), {"id": tenant_id})
        return found

    def pointing(self, ids: set[str]) -> list[str]:
        """The tables in which one's own rows hold one of these ids of theirs, anywhere."""
        wanted = {"id": self.mine.ids["tenant_id"], "ids": rf"\m({'|'.join(sorted(ids))})\M"}
        found = []
        for table in self.connection.scalars(text(_OF_TENANTS)).all():
            query = f"SELECT count(*) FROM {table} t WHERE tenant_id = :id AND t::text ~ :ids"
            if self.connection.scalar(text(query), wanted):
                found.append(table)
        return found

    def secrets(self) -> list[str]:
        """What stands on pages of theirs alone."""
        queries = ("SELECT number FROM contacts", "SELECT number FROM inboxes", "SELECT email FROM users")
        where = {"id": self.theirs.ids["tenant_id"]}
        found = [
            str(value)
            for query in queries
            for value in self.connection.scalars(text(f"{query} WHERE tenant_id = :id"), where)
        ]
        name = self.connection.scalar(text("SELECT name FROM tenants WHERE id = :id"), where)
        return [*found, str(name)]


# Most forms are the same on both sets of screens.
@pytest.fixture(scope="module", params=sizes.few_of(["teams", "legacy"], [0]))
def pair(app: Flask, request: pytest.FixtureRequest) -> Iterator[Pair]:
    engine = db_engine(app)
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    tables, before = [], {}
    found = connection.execute(text(_TABLES)).all()
    for place, (table, sequence) in enumerate(row for row in found if row[1]):
        tables.append(table)
        before[sequence] = connection.scalar(text(f"SELECT last_value FROM {sequence}"))
        moved = f"SELECT setval('{sequence}', greatest(nextval('{sequence}'), {(place + 1) * _APART}))"
        connection.execute(text(moved))
    made = [make_organisation(app, request.param) for _ in range(2)]
    yield Pair(made[0], made[1], connection, tables)
    # Other tests get ids as they are in use.
    for sequence, last in before.items():
        connection.execute(text(f"SELECT setval('{sequence}', {last})"))
    connection.close()
    engine.dispose()


def db_engine(app: Flask) -> Any:
    with app.app_context():
        return db.create_engine(app.config["SUPERUSER_URL"])


def _values(of: Field) -> list[str]:
    return of.values or [each for each in of.offered if each][:1] or [_USUAL.get(of.sort, "Words")]


def _shown(pair: Pair, secrets: list[str], answer: TestResponse) -> list[str]:
    return [secret for secret in secrets if secret in answer.text]


def test_ids_of_another_tenant_in_forms_and_queries_are_nobodys(pair: Pair) -> None:
    secrets, before = pair.secrets(), pair.digest(pair.theirs.ids["tenant_id"])
    admin = pair.mine.browsers["admin"]
    forms: dict[str, pages.Form] = {}
    queries: set[tuple[str, str, str]] = set()
    for line in LINES:
        if "GET" not in line.methods or line.access in {"API", "SIGN_OUT", "OPERATOR"}:
            continue
        path = path_of(line, pair.mine)
        answer = admin.get(path)
        if answer.mimetype == "text/html":
            page = pages.read(answer.text, path.partition("?")[0])
            queries |= page.queries
            for form in page.forms:
                known = forms.setdefault(f"{form.method} {form.path}", form)
                known.fields.update(form.fields)
        answer.close()
    used: set[str] = set()
    failures: list[str] = []
    tried = []
    for where, name, value in sorted(queries):
        if not _SKIPPED.search(where) and (theirs := pair.replaced(value)):
            used |= set(_ID.findall(theirs))
            answer = admin.get(where, query_string={name: theirs})
            tried.append(f"GET {where} {name}")
            if answer.status_code not in {200, 302, 404, 422} or _shown(pair, secrets, answer):
                failures.append(f"{answer.status_code}: GET {where} {name}={theirs}")
            answer.close()
    for key, form in sorted(forms.items()):
        if _SKIPPED.search(form.path):
            continue
        usual: dict[str, Any] = {
            each.name: _values(each) for each in form.fields.values() if each.sort not in {"file", "submit"}
        }
        for each in form.fields.values():
            for value in dict.fromkeys([*[*each.values, *each.offered][:1], each.name]):
                theirs = pair.replaced(value)
                if theirs is None:
                    continue
                used |= set(_ID.findall(theirs))
                sent = dict(usual)
                if value == each.name:
                    sent[theirs] = sent.pop(each.name, ["1"])
                else:
                    sent[each.name] = [theirs]
                if form.method == "GET":
                    answer = admin.get(form.path, query_string=sent)
                else:
                    answer = admin.post(form.path, sent)
                tried.append(f"{key} {each.name} -> {answer.status_code}")
                if answer.status_code >= 500 or _shown(pair, secrets, answer):
                    failures.append(f"{answer.status_code}: {key} {each.name}={theirs}")
                answer.close()
    assert len(tried) > 40
    assert failures == []
    after = pair.digest(pair.theirs.ids["tenant_id"])
    assert [table for table in before if before[table] != after[table]] == []
    assert pair.pointing(used) == []


def _schemas(app: Flask) -> dict[str, Any]:
    with app.app_context(), app.test_request_context():
        found: dict[str, Any] = document()["components"]["schemas"]
    return found


def _token(app: Flask, made: Made, name: str) -> str:
    with app.app_context():
        use_tenant(int(str(made.ids["tenant_id"])))
        admin = db.session.scalars(select(User).where(User.role == Role.ADMIN).order_by(User.id)).first()
        assert admin
        return tokens.create_token(admin, name, list(Scope))[1]


def _team_of_theirs(app: Flask, pair: Pair) -> str:
    with app.app_context():
        use_tenant(int(str(pair.theirs.ids["tenant_id"])))
        if not db.session.scalar(select(Team.id).where(Team.code == "ONLYB")):
            db.session.add(Team(tenant_id=pair.theirs.ids["tenant_id"], name="Only theirs", code="ONLYB"))
            db.session.commit()
    return "ONLYB"


def _of(pair: Pair, name: str, theirs: bool) -> Any:
    """What stands for a parameter or field that names a row: an id, by its name, or a team's code."""
    if name == "team":
        return "ONLYB" if theirs else "ADM"
    table = f"{name.removesuffix('_id')}s"
    assert table in pair.tables, f"say here which rows {name} names"
    own = pair.tables.index(table)
    made = pair.theirs if theirs else pair.mine
    query = f"SELECT min(id) FROM {pair.tables[own]} WHERE tenant_id = :id"
    return pair.connection.scalar(text(query), {"id": made.ids["tenant_id"]})


def _names_rows(name: object) -> bool:
    return isinstance(name, str) and ((name.endswith("_id") and name != "external_id") or name == "team")


def test_ids_of_another_tenant_in_calls_are_nobodys(app: Flask, pair: Pair) -> None:
    _team_of_theirs(app, pair)
    token, schemas = _token(app, pair.mine, "Mine"), _schemas(app)
    secrets, before = pair.secrets(), pair.digest(pair.theirs.ids["tenant_id"])
    tried = 0
    for method, path, said in calls(app):
        parameters = [each for each in said.get("parameters", []) if _names_rows(each["name"])]
        content = said.get("requestBody", {}).get("content", {}).get("application/json")
        body = example(content["schema"], schemas) if content else None
        ways = [way for way in places(body) if _names_rows(way[-1])] if body else []
        for way in ways:
            if way[-1] == "contact_id":
                # Somebody is named in exactly one way.
                body = without(body, way[:-1], {"external_id", "number"})
        for way in ways:
            body = replaced(body, way, _of(pair, way[-1], theirs=False))
        here = {each["name"]: _of(pair, each["name"], theirs=False) for each in parameters}
        for wrong in [*(each["name"] for each in parameters), *ways]:
            given, sent = here, body
            if isinstance(wrong, str):
                given = here | {wrong: _of(pair, wrong, theirs=True)}
            else:
                sent = replaced(body, wrong, _of(pair, wrong[-1], theirs=True))
            query = {each["name"]: given[each["name"]] for each in parameters if each["in"] == "query"}
            answer = app.test_client().open(
                path.format_map(given),
                method=method,
                query_string=query,
                headers={"Authorization": f"Bearer {token}"},
                json=sent,
            )
            tried += 1
            what = f"{method} {path} {wrong}: {answer.status_code} {answer.text[:300]}"
            refused = answer.status_code in {404, 422} or "not_found" in answer.text
            assert refused, what
            assert not _shown(pair, secrets, answer), what
            answer.close()
    assert tried >= 10
    after = pair.digest(pair.theirs.ids["tenant_id"])
    assert [table for table in before if before[table] != after[table]] == []


def test_the_key_of_another_tenants_call_is_not_one_s_own(app: Flask, pair: Pair) -> None:
    answers = []
    for made in (pair.theirs, pair.mine):
        headers = {"Authorization": f"Bearer {_token(app, made, 'Keys')}", "Idempotency-Key": "the-same"}
        body = {"kind": "opt-out-history", "start_date": "2026-01-01", "end_date": "2026-01-02"}
        answers.append(app.test_client().post("/api/v1/exports", headers=headers, json=body))
    assert [answer.status_code for answer in answers] == [202, 202]
    assert "Idempotency-Replayed" not in answers[1].headers
    assert answers[0].get_json()["id"] != answers[1].get_json()["id"]
