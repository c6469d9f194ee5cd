"""The calls of the API as its document has them, with bodies that it may allow."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from flask import Flask

from cadence_app.api.document import document

# Method, path, and what the document says of it.
Call = tuple[str, str, dict[str, Any]]


def calls(app: Flask) -> list[Call]:
    with app.app_context(), app.test_request_context():
        paths = document()["paths"]
    return [
        (name.upper(), path, call) for path, found in sorted(paths.items()) for name, call in found.items()
    ]


def example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value that a schema of the document may allow."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for several in ("anyOf", "allOf", "oneOf"):
        if several in schema:
            return example(schema[several][0], schemas)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: example(each, schemas) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"], schemas)]
    if schema.get("format") in {"date", "date-time"}:
        return "2026-03-01" if schema["format"] == "date" else "2026-03-01T00:00:00Z"
    return {"integer": 1, "number": 1, "boolean": False}.get(str(kind), "ADM")


def places(thing: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in JSON."""
    if way:
        yield way
    inside: Any = enumerate(thing) if isinstance(thing, list) else ()
    for step, value in thing.items() if isinstance(thing, dict) else inside:
        yield from places(value, (*way, step))


def replaced(thing: Any, way: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(thing)
    holder = made
    for step in way[:-1]:
        holder = holder[step]
    holder[way[-1]] = value
    return made


def without(thing: Any, way: tuple[Any, ...], names: set[str]) -> Any:
    """A copy in which the object at the end of a way has none of these names."""
    made = copy.deepcopy(thing)
    holder = made
    for step in way:
        holder = holder[step]
    for name in names & set(holder):
        del holder[name]
    return made
