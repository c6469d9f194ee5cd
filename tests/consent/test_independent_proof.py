"""The documented recipe against the seals: an outsider's program, psql's files, and nothing of Cadence."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from cadence_app import embedded
from tests.conftest import ROOT
from tests.consent.history import FIRST, behind_its_back, flip, seal, sealed_days
from tests.world import World

SCRIPT = ROOT / "docs" / "verify_seals.py"


def make_files(world: World, folder: Path) -> None:
    """What docs/proof.md says to type, typed."""
    recipe = (ROOT / "docs" / "proof.md").read_text()
    lines = [line.strip() for line in recipe.splitlines() if re.match(r"    (SET |\\copy )", line)]
    assert len(lines) == 8
    commands = "\n".join(lines).replace("tenant_id = 1", f"tenant_id = {world.tenant_id}")
    url = str(world.app.config["DATABASE_OWNER_URL"]).replace("+psycopg", "")
    psql = [str(embedded.postgres_tool("psql")), "--no-psqlrc", "-q", "-v", "ON_ERROR_STOP=1", url]
    subprocess.run(psql, input=commands, cwd=folder, check=True, text=True)


def check_files(folder: Path, with_evidence: bool = True) -> subprocess.CompletedProcess[str]:
    files = ["changes.csv", "sealed_changes.csv", "retired_changes.csv", "seals.csv"]
    files += ["evidence.csv", "sealed_evidence.csv", "retired_evidence.csv"] if with_evidence else []
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), *files], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_documented_recipe_gives_the_same_chain(world: World, tmp_path: Path) -> None:
    for days in ((5, 3), (3, 2), (3, 0)):
        flip(world, world.add_contact(first_name='Zoë, "Z"\n:1,', external_id=""), *days)
    seal(world)
    make_files(world, tmp_path)
    done = check_files(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    last = sealed_days(world)[-1]
    assert done.stdout == f"intact; newest seal: {last.day} {last.digest.hex()}\n"


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "UPDATE opt_out_changes SET words = '' WHERE id = {row}",
            "{first}: row {row} is not as it was sealed",
        ),
        ("DELETE FROM opt_out_changes WHERE id = {row}", "{first}: row {row} is not as it was sealed"),
        (
            "UPDATE opt_out_changes SET user_id = 1 WHERE id = {row}",
            "{first}: row {row} is not as it was sealed",
        ),
        (
            "UPDATE seals SET digest = sha256(digest) WHERE {tenant} AND day = '{first}'",
            "{first}: the seal does",
        ),
        ("DELETE FROM seals WHERE {tenant} AND day = '{second}'", "{second}: the day has no seal"),
    ],
)
def test_the_outsiders_program_names_what_differs(
    world: World, owner: Engine, tmp_path: Path, statement: str, says: str
) -> None:
    row, _ = flip(world, world.add_contact(), 5, 3)
    seal(world)
    second = sealed_days(world)[1].day
    names = {"row": row, "tenant": f"tenant_id = {world.tenant_id}", "first": FIRST, "second": second}
    with behind_its_back(owner) as connection:
        connection.execute(text(statement.format(**names)))
    make_files(world, tmp_path)
    done = check_files(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(says.format(**names))
