"""The OpenAPI 3.1 document: what the calls say of themselves, and what holds for all."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from cadence_app.api.operations import spec
from cadence_app.api.schemas import ConsentChangedEvent
from cadence_app.ui.problems import MEDIA_TYPE

_PROBLEM = {"$ref": "#/components/responses/Problem"}
_EVERY_CALL = ("401", "403", "404", "422", "429", "500")
_CALLS_WITH_A_BODY = ("400", "409", "413", "415")

_WEBHOOK_HEADERS = (
    ("webhook-id", "The event's id, the same at every try"),
    ("webhook-timestamp", "When this try was made, in Unix seconds"),
    ("webhook-signature", "One or more of `v1,` and a base64 HMAC-SHA256, apart by spaces"),
)


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
    made["webhooks"] = {"consent.changed": {"post": _consent_changed(components["schemas"])}}
    for path, calls in made["paths"].items():
        for call in calls.values():
            _complete(path, call)
    return made


def _consent_changed(schemas: dict[str, Any]) -> dict[str, Any]:
    """What a webhook sends, and the answer it waits for."""
    reference = "#/components/schemas/{model}"
    schema = ConsentChangedEvent.model_json_schema(mode="serialization", ref_template=reference)
    schemas |= {name: schemas.get(name, given) for name, given in schema.pop("$defs").items()}
    schemas["ConsentChangedEvent"] = schema
    sent = {"schema": {"$ref": "#/components/schemas/ConsentChangedEvent"}}
    return {
        "operationId": "consent_changed",
        "summary": "Consent has changed",
        "description": "Sent to each endpoint under Settings > Webhooks, signed as Standard Webhooks has it.",
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "schema": {"type": "string"},
                "description": said,
            }
            for name, said in _WEBHOOK_HEADERS
        ],
        "requestBody": {"required": True, "content": {"application/json": sent}},
        "responses": {"2XX": {"description": "Taken. Anything else is tried again."}},
        "security": [],
    }


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
