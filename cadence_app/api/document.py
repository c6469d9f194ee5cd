"""The OpenAPI 3.1 document: what the calls say of themselves, and what holds for all."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from cadence_app.api.operations import spec
from cadence_app.ui.problems import MEDIA_TYPE

_PROBLEM = {"$ref": "#/components/responses/Problem"}
_EVERY_CALL = ("401", "403", "404", "422", "429", "500")
_CALLS_WITH_A_BODY = ("400", "409", "413", "415")


@cache
def document() -> dict[str, Any]:
    """Needs an application context: the calls are read from its routes."""
    made: dict[str, Any] = copy.deepcopy(spec.spec)
    components = made["components"]
    components["responses"] = {
        "Problem": {
            "description": "RFC 9457 problem details; act on `code`",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
        }
    }
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token that an admin made under API tokens.",
        }
    }
    used_as_parameters = ("IdempotencyHeaders", "Page", "ContactQuery", "ChangeQuery")
    for name in used_as_parameters:
        del components["schemas"][name]
    for path, calls in made["paths"].items():
        for call in calls.values():
            _complete(path, call)
    return made


def _complete(path: str, call: dict[str, Any]) -> None:
    statuses = _EVERY_CALL + (_CALLS_WITH_A_BODY if "requestBody" in call else ())
    call["responses"] |= dict.fromkeys(statuses, _PROBLEM)
    scopes = call["security"][0]["token"]
    needed = f"Scope: `{scopes[0]}`." if scopes else "Scope: any."
    call["description"] = f"{call['description']}\n\n{needed}".strip()
    if path.endswith("/file"):
        any_file = {"schema": {"type": "string", "format": "binary"}}
        call["responses"] |= {"409": _PROBLEM}
        call["responses"]["200"]["content"] = {"text/csv": any_file}
    for parameter in call["parameters"]:
        _complete_parameter(parameter)


def _complete_parameter(parameter: dict[str, Any]) -> None:
    schema = parameter["schema"]
    if parameter["in"] == "path":
        # The library takes every whole number in an address for one of 32 bits.
        schema.pop("format", None)
    elif "anyOf" in schema:
        # Left out, it is null; given, it is text, and there is no way to write null.
        (given,) = (each for each in schema.pop("anyOf") if each != {"type": "null"})
        schema |= given
        schema.pop("default", None)
