"""What an upgrade makes of the stops that a database in use holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from psycopg.rows import dict_row

from cadence_app.number_key import KEY_SETTING, hex_key
from tests.database.older import Desk, Old, old_database

SAID = datetime(2026, 5, 3, 15, tzinfo=UTC)


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


@pytest.mark.long
def test_a_word_that_counted_for_every_team_does_so_for_whoever_gets_the_number(old: Old) -> None:
    """Of who was in one team, and whose first text it was: the word came before the record was made."""
    number, tenant = "+13035550121", old.ids["tenant"]
    inbox = old.add(
        "inboxes",
        **{"tenant_id": tenant, "team_id": old.ids["team"], "kind": "shared", "name": "Admissions"},
        **{"number": "+13035550100", "provider": "simulator"},
    )
    contact = old.contact(number)
    conversation = old.add(
        "conversations",
        **{"tenant_id": tenant, "inbox_id": inbox, "contact_id": contact, "last_message_at": SAID},
        **{"last_message_text": "STOP", "unread": 1},
    )
    message = old.add(
        "messages",
        **{"tenant_id": tenant, "conversation_id": conversation, "inbox_id": inbox, "body": "STOP"},
        **{"direction": "inbound", "kind": "person", "state": "received", "detail": "", "provider_at": SAID},
    )
    old.change(contact, number, "opted_out", SAID + timedelta(seconds=2), message_id=message)
    old.add("blocks", tenant_id=tenant, contact_id=contact, scope="organisation", since=SAID)
    old.connection.execute("UPDATE contacts SET number = '+13035550122' WHERE id = %s", [contact])

    old.upgrade()

    assert old.rows("SELECT scope FROM number_stops")
    next_holder = old.contact(number)
    bars = old.rows("SELECT scope FROM blocks WHERE contact_id = %s ORDER BY scope", next_holder)
    assert [bar["scope"] for bar in bars] == ["organisation", "team"]


@pytest.mark.long
def test_an_opt_out_of_a_file_that_is_being_applied_keeps_the_number_it_is_for(old: Old) -> None:
    tenant = old.ids["tenant"]
    user = old.add(
        "users",
        **{"tenant_id": tenant, "name": "Ada", "email": "ada@example.edu", "role": "admin"},
        **{"password_hash": "", "active": True},
    )
    counts = (
        *("size", "attempts", "rows_total", "rows_done", "rows_new", "rows_updated", "rows_unchanged"),
        *("rows_refused", "statuses_changed", "opt_ins_held"),
    )
    texts = ("file_key", "sha256", "problem", "stop_reason", "result_key")
    imported = old.add(
        "imports",
        **{"tenant_id": tenant, "user_id": user, "file_name": "people.csv", "state": "importing"},
        **dict.fromkeys(("options", "headers", "columns", "default_teams"), "[]"),
        **dict.fromkeys(counts, 0),
        **dict.fromkeys(texts, ""),
        expires_at=SAID,
    )
    for line, (number, status) in enumerate(
        [("+5215512345678", "opted_out"), ("+13030", "opted_out"), ("+5215512345679", "opted_in")], 1
    ):
        old.add(
            "import_rows",
            **{"import_id": imported, "line": line, "tenant_id": tenant, "number": number, "status": status},
            **dict.fromkeys(("first_name", "last_name", "external_id"), ""),
            **{"team_ids": [old.ids["team"]], "tags": [], "custom": "{}", "problems": "[]"},
        )

    old.upgrade()

    rows = old.rows("SELECT number, problems <> '[]' AS refused FROM import_rows ORDER BY line")
    assert [row["number"] for row in rows] == ["+525512345678", "+13030", ""]
    assert all(row["refused"] for row in rows)


def stops_of(old: Old, *numbers: str) -> list[list[str]]:
    """The scopes in which each of these numbers is stopped."""
    query = "SELECT scope FROM number_stops WHERE digest = number_digest(tenant_id, %s) ORDER BY 1"
    return [[row["scope"] for row in old.rows(query, number)] for number in numbers]


def test_words_that_somebody_decided_were_an_opt_out_are_filed_with_the_phone_that_wrote_them(
    old: Old,
) -> None:
    desk, day = Desk(old), timedelta(days=1)
    decided, dismissed, changed, started = (f"+1303555{tail}" for tail in ("0131", "0132", "0133", "0134"))
    ids = []
    for number, decision in (
        (decided, "opted_out"),
        (dismissed, "dismissed"),
        (changed, "opted_out"),
        (started, "opted_out"),
    ):
        contact = desk.contact(number, SAID - day)
        ids.append(contact)
        desk.flag(contact, desk.text(contact, "please stop", SAID), SAID, decision)
        old.change(contact, number, "opted_out", SAID + day, source="toggle", words="")
    old.connection.execute("UPDATE contacts SET number = '+13035550139' WHERE id = %s", [ids[2]])
    old.change(ids[3], started, "opted_in", SAID + 2 * day, words="START")
    holder = old.contact(changed)
    old.change(holder, changed, "opted_in", SAID + day, source="manual_add", words="")

    old.upgrade()

    assert stops_of(old, decided, dismissed, changed, started, "+13035550139") == [
        ["team"],
        [],
        ["team"],
        [],
        [],
    ]
    stopped = old.rows("SELECT contact_id FROM consents WHERE stopped_at = %s ORDER BY 1", SAID)
    assert [row["contact_id"] for row in stopped] == [ids[0], ids[2]]
    (flag,) = old.rows("SELECT contact_id, words FROM possible_opt_outs WHERE decision = 'open'")
    assert flag == {
        "contact_id": holder,
        "words": "An earlier holder of this number asked to stop on May 3, 2026.",
    }
    (bar,) = old.rows("SELECT contact_id, number FROM blocks WHERE scope = 'team'")
    assert bar == {"contact_id": holder, "number": changed}


@pytest.mark.long
def test_a_stop_that_a_merge_took_along_is_filed_with_the_number_that_may_have_said_it(old: Old) -> None:
    desk, day = Desk(old), timedelta(days=1)
    kept_number, gone_number, other = "+13035550141", "+13035550142", "+13035550143"
    kept, gone = desk.contact(kept_number, SAID - 9 * day), desk.contact(gone_number, SAID - 9 * day)
    unsaid = desk.contact(other, SAID - 9 * day)
    # Out already, so the STOP made no row.
    old.change(kept, kept_number, "opted_out", SAID - day, source="toggle", words="")
    desk.text(gone, "STOP", SAID)
    old.connection.execute("UPDATE conversations SET contact_id = %s WHERE contact_id = %s", [kept, gone])
    for merged in (gone, unsaid):
        old.connection.execute(
            "UPDATE contacts SET number = 'merged-' || id, merged_into_id = %s, gone_at = %s WHERE id = %s",
            [kept, SAID + day if merged == gone else SAID - day, merged],
        )
    old.connection.execute(
        "UPDATE contact_numbers SET until = CASE contact_id WHEN %s THEN %s::timestamptz ELSE %s END"
        " WHERE contact_id IN (%s, %s)",
        [gone, SAID + day, SAID - day, gone, unsaid],
    )
    old.connection.execute("UPDATE consents SET stopped_at = %s WHERE contact_id = %s", [SAID, kept])

    old.upgrade()

    assert stops_of(old, gone_number, other) == [["team"], []]


def test_each_number_of_people_who_were_erased_is_barred(old: Old) -> None:
    numbers = ["+13035550151", "+13035550152"]
    with old.app.app_context():
        key = hex_key()
    old.connection.execute("SELECT set_config(%s, %s, false)", [KEY_SETTING, key])
    tenant = old.ids["tenant"]
    for number in numbers:
        old.connection.execute(
            "INSERT INTO erased_numbers (tenant_id, digest, reason) VALUES (%s, number_digest(%s, %s), %s)",
            [tenant, tenant, number, "This number was of a person who was erased: asked for."],
        )
    contact = old.contact(numbers[0])
    old.add("contact_numbers", tenant_id=tenant, contact_id=contact, number=numbers[1], reason="")
    assert len(old.rows("SELECT FROM blocks")) == 1

    old.upgrade()

    barred = old.rows("SELECT number FROM blocks WHERE scope = 'organisation' ORDER BY 1")
    assert [row["number"] for row in barred] == numbers


@pytest.mark.long
def test_who_had_such_a_number_and_stopped_every_team_themselves_stays_out_at_another(old: Old) -> None:
    desk, number = Desk(old), "+13035550161"
    with old.app.app_context():
        key = hex_key()
    old.connection.execute("SELECT set_config(%s, %s, false)", [KEY_SETTING, key])
    tenant = old.ids["tenant"]
    old.connection.execute(
        "INSERT INTO erased_numbers (tenant_id, digest, reason) VALUES (%s, number_digest(%s, %s), 'Aged.')",
        [tenant, tenant, number],
    )
    contact = old.contact(number)
    message = desk.text(contact, "STOPALL", SAID)
    old.change(contact, number, "opted_out", SAID, words="STOPALL", message_id=message)
    old.connection.execute("UPDATE blocks SET since = %s", [SAID])

    old.upgrade()

    barred = old.rows("SELECT number FROM blocks WHERE scope = 'organisation' ORDER BY 1")
    assert [row["number"] for row in barred] == ["", number]


@pytest.mark.long
def test_what_a_carrier_blocks_is_shown_to_who_has_the_number_by_now(old: Old) -> None:
    desk, number = Desk(old), "+13035550171"
    before = old.contact(number)
    old.add(
        "blocks",
        **{"tenant_id": old.ids["tenant"], "contact_id": before, "scope": "carrier_number"},
        **{"inbox_id": desk.inbox, "number": number, "since": SAID},
    )
    old.connection.execute("UPDATE contacts SET number = '+13035550172' WHERE id = %s", [before])
    holder = old.contact(number)

    old.upgrade()

    blocked = old.rows("SELECT contact_id, number FROM blocks WHERE scope = 'carrier_number' ORDER BY 1")
    assert blocked == [{"contact_id": each, "number": number} for each in (before, holder)]
    later = old.contact("+13035550173")
    old.connection.execute("UPDATE contacts SET number = '+13035550174' WHERE id = %s", [holder])
    old.connection.execute("UPDATE contacts SET number = %s WHERE id = %s", [number, later])
    (handed_on,) = old.rows("SELECT inbox_id, since FROM blocks WHERE contact_id = %s", later)
    assert handed_on == {"inbox_id": desk.inbox, "since": SAID}
