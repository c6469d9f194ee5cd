"""Nothing is kept that nothing uses: templates, their macros, settings, tables, their columns, static files.

Each is looked for by its name, in what is not its own definition.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import Environment, nodes
from sqlalchemy import inspect
from sqlalchemy.orm import Mapper
from sqlalchemy.orm import registry as Registry

from cadence_app.extensions import db
from cadence_app.messaging import providers

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"
# Settings that a library reads by their names.
_LIBRARIES = {
    "flask": r"SECRET_KEY(_FALLBACKS)?|SESSION_COOKIE_.*|PERMANENT_SESSION_LIFETIME|MAX_CONTENT_LENGTH|"
    "SEND_FILE_MAX_AGE_DEFAULT",
    "flask-login": "REMEMBER_COOKIE_.*",
    "flask-wtf": "WTF_CSRF_.*",
    "flask-sqlalchemy": "SQLALCHEMY_.*",
    "flask-rq": "RQ_.*",
    "flask-limiter": "RATELIMIT_.*",
    "flask-mail": "MAIL_(SERVER|PORT|USERNAME|PASSWORD|USE_TLS|USE_SSL|DEFAULT_SENDER)",
}
# What nobody asks for by name, and why it is there.
_NOT_NAMED = {"LICENSE": "its licence wants it", "NOTICE": "its licence wants it"}
# Columns that say when a row was made, to a person who reads the database.
_FOR_PEOPLE = {"added_at"}


@cache
def _sources() -> dict[Path, ast.Module]:
    files = [ROOT / "config.py", ROOT / "wsgi.py", ROOT / "gunicorn.conf.py"]
    return {file: ast.parse(file.read_text()) for file in [*files, *(ROOT / "cadence_app").rglob("*.py")]}


def _text_of(node: ast.AST) -> str | None:
    """A string, with * for what is put into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text_of(part) or "*" for part in node.values)
    return None


@cache
def _strings() -> frozenset[str]:
    """The strings of the product, without its docstrings' lines."""
    nodes_of_all = (node for tree in _sources().values() for node in ast.walk(tree))
    return frozenset(found for node in nodes_of_all if (found := _text_of(node)) and "\n" not in found)


@cache
def _templates() -> dict[str, nodes.Template]:
    parse = Environment(autoescape=True, extensions=["jinja2.ext.do"]).parse
    files = [path for path in TEMPLATES.rglob("*") if path.is_file()]
    return {str(path.relative_to(TEMPLATES)): parse(path.read_text()) for path in files}


def _named_by_templates() -> Iterator[str]:
    kinds = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
    for tree in _templates().values():
        for node in tree.find_all(kinds):
            template: nodes.Expr = getattr(node, "template")  # noqa: B009 - of no common class
            yield from (str(const.value) for const in template.find_all(nodes.Const))
            if isinstance(template, nodes.Const):
                yield str(template.value)
            else:
                parts = getattr(template, "nodes", [])
                yield "".join(str(part.value) if isinstance(part, nodes.Const) else "*" for part in parts)


def test_every_template_is_shown_or_taken_in() -> None:
    named = {name for name in (*_strings(), *_named_by_templates()) if name.endswith((".html", ".txt"))}
    unused = [name for name in _templates() if not any(fnmatchcase(name, pattern) for pattern in named)]
    assert unused == []


def test_every_macro_is_called() -> None:
    unused = []
    everything = "\n".join(path.read_text() for path in TEMPLATES.rglob("*") if path.is_file())
    for name, tree in _templates().items():
        for macro in tree.find_all(nodes.Macro):
            called = re.findall(rf"(?<!macro )\b{macro.name}\(", everything)
            by_python = macro.name in _strings()
            if not called and not by_python:
                unused.append(f"{name}: {macro.name}")
    assert unused == []


def _settings() -> list[str]:
    """The keys of what config.load() returns."""
    (load,) = (
        node
        for node in ast.walk(_sources()[ROOT / "config.py"])
        if isinstance(node, ast.FunctionDef) and node.name == "load"
    )
    made = load.body[-1]
    assert isinstance(made, ast.Return)
    assert isinstance(made.value, ast.Dict)
    return [str(key.value) for key in made.value.keys if isinstance(key, ast.Constant)]


def test_every_setting_is_read() -> None:
    settings = _settings()
    assert len(settings) > 50
    elsewhere = {
        found
        for file, tree in _sources().items()
        if file != ROOT / "config.py"
        for node in ast.walk(tree)
        if (found := _text_of(node))
    }
    for_library = re.compile("|".join(_LIBRARIES.values()))
    unread = [name for name in settings if name not in elsewhere and not for_library.fullmatch(name)]
    assert unread == []


def test_every_variable_of_the_environment_is_explained_and_read() -> None:
    """By docs/configuration.md, whose tables have each as code in the first column."""
    page = (ROOT / "docs" / "configuration.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    explained = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_0-9]+)`", row)}
    # A carrier's has its code in it, and is read by that.
    of_carriers = {f"CADENCE_{each.code.upper()}_API_URL" for each in providers.carriers()}
    assert explained - _strings() - of_carriers == set()
    ours = {name for name in _strings() if re.fullmatch(r"CADENCE_[A-Z_]+", name)}
    assert ours - explained == set()


def _mappers() -> list[Mapper[Any]]:
    registry: Registry = getattr(db.Model, "registry")  # noqa: B009 - the extension does not type it
    return list(registry.mappers)


@cache
def _classes() -> dict[str, Path]:
    return {
        node.name: file
        for file, tree in _sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }


@cache
def _words() -> dict[Path, Counter[str]]:
    """What the product's files and templates say, word by word, and how often."""
    pages = [path for path in TEMPLATES.rglob("*") if path.is_file()]
    return {path: Counter(re.findall(r"\w+", path.read_text())) for path in [*_sources(), *pages]}


def test_every_table_is_used(app: Flask) -> None:
    said = {word for words in _words().values() for word in words}
    unused = []
    for mapper in _mappers():
        name, home = mapper.class_.__name__, _classes()[mapper.class_.__name__]
        elsewhere = any(name in words for path, words in _words().items() if path != home)
        at_home = _words()[home][name] > 1
        if not elsewhere and not at_home and str(mapper.local_table) not in said:
            unused.append(name)
    assert unused == []
    with app.app_context():
        made = set(inspect(db.engine).get_table_names())
    assert made - db.metadata.tables.keys() - said == set()


def test_every_column_is_used(app: Flask) -> None:
    counted = Counter[str]()
    for words in _words().values():
        counted.update(words)
    columns = {attribute.key for mapper in _mappers() for attribute in mapper.column_attrs}
    assert {name for name in columns if counted[name] < 2} == _FOR_PEOPLE


def _static_files() -> list[str]:
    return sorted(str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file())


@cache
def _askers() -> list[str]:
    askers = [*TEMPLATES.rglob("*.html"), *_sources(), *STATIC.glob("js/*.js"), *STATIC.glob("css/*.css")]
    return [path.read_text() for path in askers]


@pytest.mark.parametrize("name", _static_files())
def test_every_static_file_is_asked_for(name: str) -> None:
    file = Path(name)
    if file.stem in _NOT_NAMED or name.endswith(("LICENSE.txt", "VERSIONS.md")):
        return
    assert any(name in text for text in _askers())
