"""Calls that may be sent again: the same `Idempotency-Key` gets the first answer, and acts once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, get_type_hints

from flask import Response, request
from pydantic import BaseModel
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import OperationalError

from cadence_app.api.models import IdempotencyKey
from cadence_app.api.operations import token_in_use
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use
from cadence_app.ui.problems import Problem

KEPT = timedelta(hours=24)
# How long a call waits for another one with its key that has not ended.
_WAIT = "10s"

# A body, its status, and headers: what a view returns.
Answer = tuple[BaseModel, int, dict[str, str]]


def idempotent(view: Callable[..., Answer]) -> Callable[..., Answer | Response]:
    """Makes a view that changes something honour `Idempotency-Key`, and commits what it did.

    The key is taken in the transaction of the change: a call that was refused has not used its key up, and
    of two at once the second waits for the first and gets its answer.
    """

    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Answer | Response:
        key = request.headers.get("Idempotency-Key")
        if not key:
            answer = view(*args, **kwargs)
            db.session.commit()
            return answer
        stored = _claim(key)
        if stored.status is not None:
            return _again(stored)
        body, status, headers = view(*args, **kwargs)
        # Looked up anew: a view may have committed, as the export service does.
        stored = db.session.get_one(IdempotencyKey, (token_in_use().id, key))
        stored.status, stored.location = status, headers.get("Location")
        stored.body = body.model_dump_json()
        db.session.commit()
        return body, status, headers

    # As types, for the names mean something in the view's module only.
    once.__annotations__ = get_type_hints(view)
    return once


def forget_old_keys() -> None:
    """Deletes the tenant's keys whose time is over, and commits."""
    db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEPT))
    db.session.commit()


def _claim(key: str) -> IdempotencyKey:
    """The key's row, held until the transaction ends: a fresh one, or the one of the call before. Errors:
    Problem for a key of another request, and for one whose call goes on too long."""
    token_id, fingerprint = token_in_use().id, _fingerprint()
    db.session.execute(text(f"SET LOCAL lock_timeout = '{_WAIT}'"))
    same = (IdempotencyKey.token_id == token_id, IdempotencyKey.key == key)
    try:
        db.session.execute(delete(IdempotencyKey).where(*same, IdempotencyKey.created_at < func.now() - KEPT))
        db.session.execute(
            upsert(IdempotencyKey)
            .values(tenant_id=tenant_in_use(), token_id=token_id, key=key, request_hash=fingerprint)
            .on_conflict_do_nothing()
        )
        stored = db.session.scalars(select(IdempotencyKey).where(*same).with_for_update()).one()
    except OperationalError as error:
        raise Problem(
            409, "key_in_use", "A call with this Idempotency-Key has not ended yet. Try again soon."
        ) from error
    db.session.execute(text("SET LOCAL lock_timeout = 0"))
    if stored.request_hash != fingerprint:
        raise Problem(409, "key_used", "This Idempotency-Key was used for another request.")
    return stored


def _fingerprint() -> bytes:
    return hashlib.sha256(
        f"{request.method} {request.path}\n".encode() + request.get_data(cache=True)
    ).digest()


def _again(stored: IdempotencyKey) -> Response:
    headers = {"Idempotency-Replayed": "true"}
    if stored.location:
        headers["Location"] = stored.location
    return Response(stored.body, stored.status, headers, mimetype="application/json")
