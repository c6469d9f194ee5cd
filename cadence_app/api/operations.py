"""What every call has in common: the token and its scope, the JSON, the checks, the document."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

from flask import current_app, g, request
from flask_limiter.util import get_remote_address
from pydantic import BaseModel, ValidationError
from spectree import Response, SpecTree
from werkzeug.exceptions import BadRequest

from cadence_app.api import tokens
from cadence_app.api.models import ApiToken, EndReason, Scope, Standing
from cadence_app.api.schemas import (
    ChangeQuery,
    ContactQuery,
    IdempotencyHeaders,
    MayTextQuery,
    Page,
    ProblemOut,
)
from cadence_app.extensions import db, limiter
from cadence_app.ui.problems import FieldError, Problem

View = Callable[..., Any]

_PARAMETERS = {
    model.__name__ for model in (IdempotencyHeaders, Page, ContactQuery, ChangeQuery, MayTextQuery)
}
_REFUSED_TOKENS = "60 per minute"
OWNER_GONE = (
    "Whose token this is, is no admin any more: until another admin takes it over, it only writes opt outs."
)
_CHALLENGE = ("WWW-Authenticate", 'Bearer realm="Cadence API"')


def operation(
    answer: type[BaseModel] | None,
    scope: Scope | None = None,
    status: int = 200,
    opt_outs: Callable[[Any], bool] | None = None,
    **models: Any,
) -> Callable[[View], View]:
    """Makes a view a call of the API: it needs a token (with `scope`, where there is one), takes what
    `models` (query, json, headers) allow, and answers `answer`. `opt_outs` tells whether a body writes opt
    outs, which is all that some tokens may (only_opt_outs()); a call without it is refused to those.

    Errors: Problem. A view without an answer's model streams, and takes nothing that needs a check.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def allowed(*args: Any, **kwargs: Any) -> Any:
            if opt_outs and only_opt_outs() and not opt_outs(kwargs["json"]):
                _refuse_all_but_opt_outs()
            return view(*args, **kwargs)

        described = spec.validate(
            resp=Response(**{f"HTTP_{status}": answer}) if answer else Response(f"HTTP_{status}"),
            security={"token": [str(scope)] if scope else []},
            operation_id=view.__name__,
            tags=[view.__module__.rpartition(".")[2]],
            skip_validation=answer is None,
            **models,
        )(allowed)

        @wraps(described)
        def checked(*args: Any, **kwargs: Any) -> Any:
            try:
                g.api_token = _token_for(scope)
                if only_opt_outs() and opt_outs is None:
                    _refuse_all_but_opt_outs()
                tokens.note_use(token_in_use())
                if "json" in models:
                    _require_json()
                return described(*args, **kwargs)
            except Problem:
                db.session.rollback()
                raise

        return checked

    return decorate


def token_in_use() -> ApiToken:
    token: ApiToken = g.api_token
    return token


def only_opt_outs() -> bool:
    """Whether this call may write opt outs and nothing else, since its token's owner is no admin any more."""
    return bool(g.only_opt_outs)


def _token_for(scope: Scope | None) -> ApiToken:
    """The token that this call carries; it has been counted against its limit. Its owner's right is the one
    of this moment."""
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    token = tokens.find_by_text(given.strip()) if kind.lower() == "bearer" else None
    if token is None:
        _count_refused()
        code, detail = "token_needed", "Send a token of yours: Authorization: Bearer cad_…"
        if given:
            code, detail = "token_refused", "This token is unknown, or its organization is suspended."
        raise Problem(401, code, detail, headers=[_CHALLENGE])
    standing = token.standing
    if standing == Standing.ENDED:
        _count_refused()
        _note_refusal(token)
        raise Problem(401, "token_ended", _why_ended(token), headers=[_CHALLENGE])
    g.api_token, g.only_opt_outs = token, standing == Standing.OPT_OUTS_ONLY
    _count_call()
    if scope and scope not in token.scopes:
        raise Problem(403, "scope_missing", f"This token does not have the scope {scope}.")
    return token


def _why_ended(token: ApiToken) -> str:
    if token.end_reason or token.revoked_at:
        why = tokens.END_WORDS[token.end_reason or EndReason.ENDED]
    elif token.expired:
        why = "It has expired"
    else:
        why = "Its owner is no admin any more"
    return f"This token has ended. {why}. Ask an admin for another."


def _refuse_all_but_opt_outs() -> NoReturn:
    """Errors: Problem, always."""
    token = token_in_use()
    _note_refusal(token)
    raise Problem(403, "owner_not_admin", f"{OWNER_GONE} It ends on {token.opt_outs_until:%Y-%m-%d}.")


def _note_refusal(token: ApiToken) -> None:
    tokens.note_refusal(token, f"{request.method} {request.path}", get_remote_address())


@limiter.limit(lambda: current_app.config["API_RATE_LIMIT"], key_func=lambda: f"api token {g.api_token.id}")
def _count_call() -> None:
    """Errors: RateLimitExceeded, 429."""


@limiter.limit(_REFUSED_TOKENS, key_func=lambda: f"refused api token {get_remote_address()}")
def _count_refused() -> None:
    """Errors: RateLimitExceeded, 429."""


def _require_json() -> None:
    if not request.is_json:
        raise Problem(415, "json_needed", "Send the body as application/json.")
    try:
        request.get_json()
    except (BadRequest, RecursionError) as error:
        raise Problem(400, "bad_json", "The body is no JSON that can be read.") from error


def _refuse_invalid(_: Any, __: Any, error: Exception | None, *rest: Any) -> None:
    if isinstance(error, ValidationError):
        _raise_invalid(error)


def _raise_invalid(error: ValidationError) -> NoReturn:
    place = "parameter" if error.title in _PARAMETERS else "pointer"
    errors = [_field_error(place, each["loc"], each["type"], each["msg"]) for each in error.errors()[:100]]
    raise Problem(422, "invalid", "Something in the request is not as it must be; see errors.", errors)


def _field_error(place: str, path: tuple[int | str, ...], code: str, text: str) -> FieldError:
    found = FieldError(code=code, detail=text.removeprefix("Value error, "))
    if place == "parameter":
        found["parameter"] = ".".join(str(part) for part in path)
    else:
        escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
        found["pointer"] = "".join(f"/{part}" for part in escaped)
    return found


def _refuse_own_mistake(_: Any, __: Any, error: Exception | None, *rest: Any) -> None:
    """An answer that is not what the document says is ours to put right, and a 500."""
    if error:
        raise error


spec = SpecTree(
    "flask",
    before=_refuse_invalid,
    after=_refuse_own_mistake,
    validation_error_model=ProblemOut,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _, child: child,
    title="Cadence API",
    version="1.0.0",
    description="Consent to be texted: read it, change it, and follow every change.",
    mode="strict",
    page_templates={},
)
