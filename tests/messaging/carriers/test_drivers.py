"""One carrier, one file: all that is particular to it is in its driver, and nobody else names it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadence_app.messaging import providers
from tests.conftest import ROOT
from tests.messaging.carriers.ends import CODES, ENDS, pigeon

_PROVIDERS = "cadence_app/messaging/providers/"
_NAMES = re.compile("twilio|telnyx|bandwidth|aws", re.IGNORECASE)
# Amazon's storage for exports and files, which is no carrier.
_STORAGE = {"cadence_app/files.py", "cadence_app/reports/destinations/s3.py"}
_SHARED = {"base", "events", "http", "readings"}


def _words(path: Path) -> Iterator[str]:
    """Every name and string of a file's code, without what it says of itself in docstrings and comments."""
    tree = ast.parse(path.read_text())
    said = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in said:
            yield node.value
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias | ast.FunctionDef | ast.ClassDef):
            yield node.name


def test_nobody_but_its_own_file_names_a_carrier() -> None:
    naming = set()
    for path in [*ROOT.glob("cadence_app/**/*.py"), ROOT / "config.py"]:
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(_PROVIDERS) or name in _STORAGE or not _NAMES.search(path.read_text()):
            continue
        if any(_NAMES.search(word) for word in _words(path)):
            naming.add(name)
    assert naming == set()
    templates = ROOT / "templates"
    assert {
        path.relative_to(templates).as_posix()
        for path in templates.glob("**/*.html")
        if _NAMES.search(path.read_text())
    } == {"help/carriers/aws.html"}


@pytest.mark.parametrize("code", [code for code in CODES if code != pigeon.DRIVER.code])
def test_a_carrier_shares_nothing_with_another(code: str) -> None:
    folder = ROOT / _PROVIDERS
    files = [folder / f"{code}.py"] if (folder / f"{code}.py").exists() else [*(folder / code).glob("*.py")]
    assert files
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("cadence_app."):
                continue
            room, _, rest = str(node.module).partition("cadence_app.messaging.")[2].partition(".")
            if not room:
                continue
            assert room == "providers"
            for name in [rest] if rest else [each.name for each in node.names]:
                assert name in _SHARED or name.split(".")[0] == code, path


def test_every_carrier_is_tried_with_what_holds_for_all() -> None:
    assert {each.code for each in providers.carriers()} == set(ENDS)
