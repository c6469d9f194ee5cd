"""What an upgrade makes of the stops that a database in use holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade
from psycopg.rows import dict_row

from cadence_app.number_key import KEY_SETTING, hex_key
from tests.conftest import ROOT
from tests.database.older import old_database

SAID = datetime(2026, 5, 3, 15, tzinfo=UTC)


@dataclass
class Old:
    """A database as a release before this one left it, with one tenant that has two teams."""

    app: Flask
    connection: psycopg.Connection[dict[str, Any]]
    ids: dict[str, int] = field(default_factory=dict)

    def add(self, table: str, **values: Any) -> int:
        names, places = ", ".join(values), ", ".join(["%s"] * len(values))
        statement = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING *"
        row = self.connection.execute(statement, list(values.values())).fetchone()
        assert row
        return int(row.get("id") or 0)

    def contact(self, number: str) -> int:
        return self.add(
            "contacts",
            tenant_id=self.ids["tenant"],
            first_name="",
            last_name="",
            external_id="",
            number=number,
        )

    def change(self, contact_id: int, number: str, status: str, at: datetime, **more: Any) -> None:
        """A row of the history with the status that it left."""
        values = {"source": "keyword", "words": "STOP", "reason": "", "user_name": ""} | more
        change_id = self.add(
            "opt_out_changes",
            **{"tenant_id": self.ids["tenant"], "contact_id": contact_id, "team_id": self.ids["team"]},
            **{"status": status, "changed_at": at, "first_name": "", "last_name": "", "external_id": ""},
            **{"number": number, "team_code": "ADM"},
            **values,
        )
        self.connection.execute(
            "INSERT INTO consents (contact_id, team_id, tenant_id, status, since, change_id)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (contact_id, team_id)"
            " DO UPDATE SET status = excluded.status, since = excluded.since, change_id = excluded.change_id",
            [contact_id, self.ids["team"], self.ids["tenant"], status, at, change_id],
        )

    def upgrade(self) -> None:
        with self.app.app_context():
            upgrade(directory=str(ROOT / "migrations"))

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with self.app.app_context():
            self.connection.execute("SELECT set_config(%s, %s, false)", [KEY_SETTING, hex_key()])
        return self.connection.execute(statement, values).fetchall()


@pytest.fixture
def old(app: Flask) -> Iterator[Old]:
    with old_database(app) as (superuser, then, _):
        superuser.row_factory = dict_row  # type: ignore[assignment]
        made = Old(then, superuser)  # type: ignore[arg-type]
        made.ids["tenant"] = made.add(
            "tenants",
            **{"name": "Old College", "navigation": "teams", "time_zone": "America/Denver"},
            **{"keyword_policy": "team", "possible_opt_out_policy": "hold"},
        )
        made.ids["team"] = made.add(
            "teams",
            **{"tenant_id": made.ids["tenant"], "name": "Admissions", "code": "ADM"},
            **{"opt_out_text": "", "opt_in_text": "", "help_text": ""},
        )
        superuser.execute("SELECT set_config('cadence.tenant_id', %s, false)", [str(made.ids["tenant"])])
        yield made


def test_a_stop_that_a_number_said_is_kept_and_its_present_holder_is_held_for_a_person(old: Old) -> None:
    left, own, started, agreed = (f"+1303555{tail}" for tail in ("0101", "0102", "0103", "0104"))
    later = timedelta(days=9)
    for number in (left, agreed):
        said_it = old.contact(number)
        old.change(said_it, number, "opted_out", SAID)
        old.connection.execute("UPDATE contacts SET number = number || '9' WHERE id = %s", [said_it])
    holder, persuaded = old.contact(left), old.contact(agreed)
    old.change(holder, left, "opted_in", SAID + later, source="manual_add", words="")
    old.change(
        persuaded, agreed, "opted_in", SAID + later, source="toggle", words="", reason="Signed form 12."
    )
    still, back = old.contact(own), old.contact(started)
    old.change(still, own, "opted_out", SAID)
    old.change(back, started, "opted_out", SAID)
    old.change(back, started, "opted_in", SAID + later, words="START")

    old.upgrade()

    kept = old.rows(
        "SELECT c.number FROM contacts c"
        " JOIN number_stops s ON s.digest = number_digest(c.tenant_id, c.number)"
        " WHERE s.scope = 'team' ORDER BY 1"
    )
    assert [row["number"] for row in kept] == [left, own, agreed]
    (flag,) = old.rows("SELECT contact_id, words, decision FROM possible_opt_outs")
    assert (flag["contact_id"], flag["decision"]) == (holder, "open")
    assert flag["words"] == "An earlier holder of this number texted STOP on May 3, 2026."
    barred = old.rows("SELECT contact_id FROM blocks WHERE scope = 'team' ORDER BY 1")
    assert [row["contact_id"] for row in barred] == [holder, persuaded]


def test_the_key_that_numbers_were_hashed_with_so_far_goes_on_in_use(old: Old) -> None:
    number = "+13035550111"
    with old.app.app_context():
        key = hex_key()
    old.connection.execute("SELECT set_config(%s, %s, false)", [KEY_SETTING, key])
    old.connection.execute(
        "INSERT INTO erased_numbers (tenant_id, digest, reason) VALUES (%s, number_digest(%s, %s), 'Aged.')",
        [old.ids["tenant"], old.ids["tenant"], number],
    )
    old.upgrade()
    contact_id = old.contact(number)
    (bar,) = old.rows("SELECT scope, reason FROM blocks WHERE contact_id = %s", contact_id)
    assert (bar["scope"], bar["reason"]) == ("organisation", "Aged.")
