"""A database goes on from where it is, is made at once, or is left alone with a word to who runs it."""

from __future__ import annotations

import ast
import logging
import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import check, upgrade

from cadence_app import create_app
from tests.conftest import ROOT
from tests.database.fresh import Fresh, fresh_database

MIGRATIONS = ROOT / "migrations"
OLD = ("0001", "0012b", "0026", "0040", "0049", "0051")

_LATER = """
from alembic import op

revision, down_revision, branch_labels, depends_on = "later", {head!r}, None, None


def upgrade():
    op.execute("ALTER TABLE tags ADD COLUMN later text")
"""


@pytest.fixture
def empty(app: Flask) -> Iterator[Fresh]:
    with fresh_database(app) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def kept(app: Flask) -> Iterator[Fresh]:
    """Upgraded, and shared by who puts it back as it was."""
    with fresh_database(app) as fresh:
        fresh.upgrade()
        yield fresh


@pytest.fixture
def fresh(kept: Fresh) -> Iterator[Fresh]:
    """Upgraded. Its revision is put back, and nothing else."""
    yield kept
    _at(kept, str(_scripts().get_current_head()))


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """The migrations with one more, which changes a table."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions" / "later.py").write_text(_LATER.format(head=_scripts().get_current_head()))
    return folder


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config)


def _revisions(fresh: Fresh) -> list[str]:
    return [row[0] for row in fresh.superuser.execute("SELECT version_num FROM alembic_version")]


def _at(fresh: Fresh, revision: str) -> None:
    fresh.superuser.execute("UPDATE alembic_version SET version_num = %s", (revision,))


def _run(fresh: Fresh, *arguments: str) -> int:
    return fresh.app.test_cli_runner().invoke(args=["db", *arguments, "-d", str(MIGRATIONS)]).exit_code


def test_there_is_one_head_and_one_beginning() -> None:
    scripts = _scripts()
    assert len(scripts.get_heads()) == 1
    assert scripts.get_bases() == ["0052"]


def test_models_and_database_agree(fresh: Fresh) -> None:
    with fresh.app.app_context():
        check(directory=str(MIGRATIONS))


def test_where_they_differ_the_check_says_so(empty: Fresh, caplog: pytest.LogCaptureFixture) -> None:
    empty.upgrade()
    for change in (
        "ALTER TABLE tags ADD COLUMN more text",
        "ALTER TABLE custom_fields ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE teams ALTER COLUMN name TYPE varchar(9)",
        "ALTER TABLE blocks ALTER COLUMN reason SET DEFAULT 'x'",
        "DROP INDEX ix_consents_team",
        "CREATE TABLE extra (id bigint PRIMARY KEY)",
        "ALTER TABLE notes DROP CONSTRAINT fk_notes_user_id,"
        " ADD CONSTRAINT fk_notes_user_id FOREIGN KEY (user_id) REFERENCES users (id)",
    ):
        empty.superuser.execute(change.encode())
    with caplog.at_level(logging.ERROR):
        assert _run(empty, "check") == 1
    for said in (
        "'remove_column', None, 'tags'",
        "'modify_nullable', None, 'custom_fields', 'name'",
        "'modify_type', None, 'teams', 'name'",
        "'modify_default', None, 'blocks', 'reason'",
        "'add_index', Index('ix_consents_team'",
        "'remove_table', Table('extra'",
        "'add_fk', ForeignKeyConstraint",
    ):
        assert said in caplog.text


def test_a_database_at_the_squashed_migration_goes_on(empty: Fresh, later: Path) -> None:
    empty.upgrade("0052")
    empty.superuser.execute("INSERT INTO failed_tries (key) VALUES ('x')")
    made = empty.superuser.execute("SELECT digest FROM number_key_check").fetchall()
    empty.upgrade("0052")
    assert _revisions(empty) == ["0052"]
    with empty.app.app_context():
        upgrade(directory=str(later))
    assert _revisions(empty) == ["later"]
    assert empty.superuser.execute("SELECT count(*) FROM failed_tries").fetchone() == (1,)
    assert empty.superuser.execute("SELECT digest FROM number_key_check").fetchall() == made


@pytest.mark.parametrize("revision", OLD)
def test_one_from_before_is_left_as_it_is_with_what_to_run(
    fresh: Fresh, revision: str, caplog: pytest.LogCaptureFixture
) -> None:
    _at(fresh, revision)
    with pytest.raises(SystemExit), caplog.at_level(logging.ERROR):
        fresh.upgrade()
    (said,) = [record.getMessage() for record in caplog.records]
    assert f"before 0.9 (its schema is {revision}" in said
    assert "upgrade it with v0.9 first" in said
    assert "flask db upgrade" in said
    assert "Traceback" not in caplog.text
    assert _revisions(fresh) == [revision]


@pytest.mark.parametrize(
    "command", [("upgrade",), ("check",), ("current",), ("stamp", "head"), ("downgrade",), ("migrate",)]
)
def test_no_command_goes_around_that(
    fresh: Fresh, command: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    _at(fresh, "0047")
    with caplog.at_level(logging.ERROR):
        assert _run(fresh, *command) == 1
    assert "upgrade it with v0.9 first" in caplog.text
    assert _revisions(fresh) == ["0047"]


def test_one_of_a_version_to_come_is_left_as_it_is_too(
    fresh: Fresh, caplog: pytest.LogCaptureFixture
) -> None:
    _at(fresh, "9001")
    with pytest.raises(SystemExit), caplog.at_level(logging.ERROR):
        fresh.upgrade()
    assert "newer version of Cadence: its schema is 9001" in caplog.text
    assert _revisions(fresh) == ["9001"]


def test_a_lock_that_others_hold_is_not_waited_for_long(
    empty: Fresh, later: Path, caplog: pytest.LogCaptureFixture
) -> None:
    empty.upgrade()
    head = _scripts().get_current_head()
    empty.app.config["MIGRATION_LOCK_SECONDS"] = 0.05
    url = str(empty.app.config["SUPERUSER_URL"]).replace("+psycopg", "")
    with closing(psycopg.connect(url)) as reader:
        # As a backup does.
        reader.execute("LOCK TABLE tags IN ACCESS SHARE MODE")
        with empty.app.app_context(), pytest.raises(SystemExit), caplog.at_level(logging.ERROR):
            upgrade(directory=str(later))
    assert "Nothing was upgraded: a lock that something else holds" in caplog.text
    assert "waited for longer than 0.05 seconds. Run it again" in caplog.text
    assert _revisions(empty) == [head]
    with empty.app.app_context():
        upgrade(directory=str(later))
    assert _revisions(empty) == ["later"]


def test_a_migration_can_be_taken_back_or_says_why_not() -> None:
    for file in (MIGRATIONS / "versions").glob("*.py"):
        functions = {
            node.name: node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)
        }
        assert "downgrade" in functions, file.name
        last = functions["downgrade"].body[-1]
        says_nothing = isinstance(last, ast.Pass) or (
            isinstance(last, ast.Expr) and isinstance(last.value, ast.Constant)
        )
        assert not says_nothing, file.name
        if isinstance(last, ast.Raise):
            assert isinstance(last.exc, ast.Call), file.name
            assert isinstance(last.exc.args[0], (ast.Constant, ast.JoinedStr)), file.name


def test_every_file_of_the_beginning_is_run_and_a_functions_has_its_name() -> None:
    beginning = _scripts().get_revision("0052").module
    files = list(beginning._files())
    assert sorted(files) == sorted(beginning.START.rglob("*.sql"))
    for file in (beginning.START / "functions").glob("*.sql"):
        made = [line for line in file.read_text().splitlines() if line.startswith("CREATE")]
        assert [line.partition("(")[0] for line in made] == [f"CREATE FUNCTION {file.stem}"]


def test_an_owner_without_the_roles_is_told_to_make_them(
    empty: Fresh, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"owner_{uuid.uuid4().hex[:8]}"
    empty.superuser.execute(f"CREATE ROLE {name} LOGIN".encode())
    empty.superuser.execute(f"GRANT CREATE ON SCHEMA public TO {name}".encode())
    theirs = str(empty.app.config["DATABASE_OWNER_URL"]).replace("://cadence_owner:", f"://{name}:")
    app = create_app(dict(empty.app.config) | {"DATABASE_OWNER_URL": theirs})
    try:
        with app.app_context(), pytest.raises(SystemExit), caplog.at_level(logging.ERROR):
            upgrade(directory=str(MIGRATIONS))
    finally:
        empty.superuser.execute(f"DROP OWNED BY {name}".encode())
        empty.superuser.execute(f"DROP ROLE {name}".encode())
    assert f"The role cadence_lookup is missing, or {name} may not use it" in caplog.text
    assert "flask cadence prepare-database" in caplog.text


def test_a_superuser_may_be_the_owner(empty: Fresh) -> None:
    settings = dict(empty.app.config) | {"DATABASE_OWNER_URL": empty.app.config["SUPERUSER_URL"]}
    with create_app(settings).app_context():
        upgrade(directory=str(MIGRATIONS))
    forced = "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'contacts'::regclass"
    assert empty.superuser.execute(forced).fetchone() == (True,)
