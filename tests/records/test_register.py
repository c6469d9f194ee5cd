"""The register of what is kept of a person, held against the database's own catalogue: no table is forgotten,
what the register says agrees with the foreign keys, and docs/records.md shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Connection, create_engine, text

from cadence_app.traces import PERSON, Fate, Kept, all_traces
from tests.conftest import ROOT

# Tables that hold words, and none of who is texted.
OF_NOBODY_TEXTED = {
    "who works here, and how they sign in": {
        *("users", "sign_in_sessions", "recovery_codes", "failed_tries", "single_sign_ons"),
        *("single_sign_on_domains", "operators", "operator_entries", "api_tokens", "notification_recipients"),
        "desk_choices",
    },
    "how the organization is set up": {
        *("tenants", "teams", "inboxes", "tags", "custom_fields", "custom_keywords", "text_templates"),
        *("carrier_accounts", "webhook_endpoints", "destinations", "notification_rules"),
        *(
            "import_mappings",
            "import_codes",
            "first_run",
            "out_of_office",
            "export_schedule_recipients",
            "export_schedule_destinations",
        ),
    },
    "how work went": {
        *("export_deliveries", "export_recipients", "retention_runs", "seals", "seal_checks"),
        *("alembic_version", "number_key_check", "leases", "desk_batches", "counted_changes", "day_counting"),
    },
    # What a notice says is read as it goes.
    "which users are told, and how far that went": {
        *("push_keys", "push_subscriptions", "push_notices", "inbox_notices"),
    },
}
_LINKS = text(
    "SELECT c.conrelid::regclass::text, c.confrelid::regclass::text, bool_and(a.attnotnull)"
    " FROM pg_constraint c CROSS JOIN LATERAL unnest(c.conkey) AS keys(own)"
    " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = keys.own AND a.attname <> 'tenant_id'"
    " WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace GROUP BY c.oid, 1, 2"
)
_COLUMNS = text(
    "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c"
    " JOIN information_schema.tables t USING (table_schema, table_name)"
    " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
)
_HOLDS_WORDS = {"text", "character varying", "json", "jsonb", "bytea", "ARRAY"}
_IDS_OF_PEOPLE = {"contact_id", "waits_for_id", "merged_into_id"}

KEPT: dict[str, Kept] = {kept.table.__tablename__: kept for traces in all_traces() for kept in traces.tables}


@pytest.fixture
def catalogue(app: Flask) -> Iterator[Connection]:
    engine = create_engine(app.config["SUPERUSER_URL"])
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def belonging(catalogue: Connection, needed: bool = False) -> set[str]:
    """The tables that point to contacts, or to one that does; with `needed`, those that can't be without."""
    links = catalogue.execute(_LINKS).all()
    found = {"contacts"}
    while more := {
        child
        for child, parent, not_null in links
        if parent in found and child not in found and (not_null or not needed)
    }:
        found |= more
    return found


def test_every_table_with_something_of_a_person_is_in_the_register(catalogue: Connection) -> None:
    columns = catalogue.execute(_COLUMNS).all()
    with_words = {table for table, _, kind in columns if kind in _HOLDS_WORDS}
    by_id = {table for table, column, _ in columns if column in _IDS_OF_PEOPLE}
    of_nobody = set().union(*OF_NOBODY_TEXTED.values())
    assert (belonging(catalogue) | by_id) - KEPT.keys() == set()
    assert with_words - KEPT.keys() - of_nobody == set(), "say in the area's traces.py what it keeps"
    assert of_nobody & KEPT.keys() == set()
    assert (of_nobody | KEPT.keys()) - {table for table, _, _ in columns} == set(), "there is no such table"


def test_what_goes_with_a_record_is_what_the_database_deletes_with_it(catalogue: Connection) -> None:
    needed, pointing = belonging(catalogue, needed=True), belonging(catalogue)
    aged = {name: kept.aged for name, kept in KEPT.items() if kept.aged != Fate.REFUSED}
    assert {name for name, fate in aged.items() if fate == Fate.WITH_RECORD} == needed & aged.keys()
    assert {name for name, fate in aged.items() if fate == Fate.UNLINKED} == pointing - needed


def test_what_stays_or_is_not_handed_out_says_why() -> None:
    for name, kept in KEPT.items():
        stays = kept.erased in {Fate.EMPTIED, Fate.STAYS} or kept.merged == Fate.STAYS
        assert kept.because or not (stays or not kept.download), name
        law = re.search("GDPR|CFR|it goes with", kept.because)
        assert law or kept.erased != Fate.STAYS, f"{name}: by what law?"


def test_each_table_of_the_download_is_explained_in_it() -> None:
    for traces in all_traces():
        names = {kept.download for kept in traces.tables} - {"", PERSON}
        assert names == traces.told.keys(), traces.area


_WORDS = {
    Fate.DELETED: "deleted",
    Fate.EMPTIED: "emptied",
    Fate.WITH_RECORD: "deleted with the record",
    Fate.UNLINKED: "nobody's",
    Fate.MOVED: "the kept record's",
    Fate.ALONG: "goes along",
    Fate.REFUSED: "refused while there is one",
    Fate.STAYS: "stays",
}


def as_table() -> str:
    rows = [
        "| area | table | at an erasure | at a removal by age | in a merge | in the download | why |",
        "|---|---|---|---|---|---|---|",
    ]
    for traces in all_traces():
        for kept in traces.tables:
            cells = (
                *(traces.area, f"`{kept.table.__tablename__}`"),
                *(_WORDS[fate] for fate in (kept.erased, kept.aged, kept.merged)),
                *(kept.download, kept.because),
            )
            rows.append(f"| {' | '.join(cells)} |".replace("  ", " "))
    return "\n".join(rows)


def test_the_page_about_it_shows_the_register() -> None:
    page = (ROOT / "docs" / "records.md").read_text()
    assert as_table() in page, f"docs/records.md is to have this table:\n{as_table()}"
