"""docs/schema.sql says what the migrations make, and leaves nothing out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Connection, create_engine, text

from cadence_app import schema
from tests.conftest import ROOT
from tests.database.fresh import fresh_database

_WRITE_IT = "Write it again with script/schema"


def test_the_schema_that_can_be_read_is_the_one_that_migrations_make(app: Flask) -> None:
    with fresh_database(app) as fresh:
        fresh.upgrade()
        answer = fresh.app.test_cli_runner().invoke(args=["cadence", "schema"])
    assert answer.exit_code == 0, answer.output
    kept = (ROOT / "docs" / "schema.sql").read_text()
    # Compared by lines, so that a failure names the ones that differ.
    assert answer.output.splitlines() == kept.splitlines(), _WRITE_IT


@pytest.fixture
def behind(app: Flask) -> Iterator[Connection]:
    """A superuser's transaction, which is rolled back."""
    engine = create_engine(app.config["SUPERUSER_URL"])
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ("ALTER TABLE tags ALTER COLUMN name DROP NOT NULL", "    name text,"),
        ("ALTER TABLE tags ALTER COLUMN name SET DEFAULT 'x'", "    name text NOT NULL DEFAULT 'x'::text,"),
        (
            "ALTER TABLE tags ADD COLUMN more integer[] GENERATED ALWAYS AS ('{}') STORED",
            "    more integer[] GENERATED ALWAYS AS ('{}'::integer[]) STORED,",
        ),
        (
            "ALTER TABLE tags ADD CONSTRAINT named CHECK (name <> '')",
            "    CONSTRAINT named CHECK ((name <> ''::text)),",
        ),
        ("CREATE INDEX by_name ON tags (name)", "CREATE INDEX by_name ON tags USING btree (name);"),
        (
            "CREATE TRIGGER odd BEFORE DELETE ON tags EXECUTE FUNCTION refuse_change_of_audit()",
            "CREATE TRIGGER odd BEFORE DELETE ON tags FOR EACH STATEMENT EXECUTE FUNCTION"
            " refuse_change_of_audit();",
        ),
        (
            "CREATE POLICY odd ON tags AS RESTRICTIVE FOR INSERT TO cadence_app WITH CHECK (false)",
            "CREATE POLICY odd ON tags AS RESTRICTIVE FOR INSERT TO cadence_app WITH CHECK (false);",
        ),
        ("GRANT SELECT (id), UPDATE (name) ON tags TO PUBLIC", "GRANT UPDATE (name) ON tags TO public;"),
        (
            "GRANT TRUNCATE ON tags TO cadence_backup WITH GRANT OPTION",
            "GRANT TRUNCATE ON tags TO cadence_backup WITH GRANT OPTION;",
        ),
        ("GRANT UPDATE ON tags_id_seq TO cadence_backup", "GRANT SELECT, UPDATE ON SEQUENCE tags_id_seq"),
        ("ALTER TABLE tags OWNER TO postgres", "ALTER TABLE tags OWNER TO postgres;"),
        ("ALTER FUNCTION threes OWNER TO postgres", "ALTER FUNCTION threes(text) OWNER TO postgres;"),
        ("REVOKE ALL ON FUNCTION threes FROM public", "REVOKE ALL ON FUNCTION threes(text) FROM public;"),
        ("ALTER FUNCTION threes SECURITY DEFINER", "IMMUTABLE PARALLEL SAFE STRICT SECURITY DEFINER"),
        ("COMMENT ON TABLE tags IS 'One''s own'", "COMMENT ON TABLE tags IS 'One''s own';"),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT UPDATE ON TABLES TO cadence_app",
            "PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT UPDATE ON TABLES TO cadence_app;",
        ),
    ],
)
def test_a_change_shows(behind: Connection, change: str, shown: str) -> None:
    before = schema.written(behind)
    behind.execute(text(change))
    after = schema.written(behind)
    assert shown in after
    assert shown not in before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("CREATE VIEW seen AS SELECT 1", "relation seen"),
        ("CREATE TYPE mood AS ENUM ('calm')", "type mood"),
        ("CREATE DOMAIN short AS text", "type short"),
        ("CREATE SEQUENCE loose", "sequence loose"),
        ("ALTER TABLE tags SET (fillfactor = 50)", "options of tags"),
        ("ALTER TABLE conversations DISABLE TRIGGER changed", "trigger that is not always on: changed"),
        ("CREATE PROCEDURE act() LANGUAGE sql AS ''", "routine act"),
        ("CREATE TABLE more_tags () INHERITS (tags)", "inheritance of more_tags"),
    ],
)
def test_what_it_has_no_words_for_is_an_error(behind: Connection, change: str, named: str) -> None:
    behind.execute(text(change))
    with pytest.raises(RuntimeError, match=named):
        schema.written(behind)
