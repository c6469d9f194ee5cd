"""What the API keeps of a person: answers kept for a day, for a call that is sent again."""

from __future__ import annotations

import json

from sqlalchemy import ColumnElement, cast, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH

from cadence_app.api.models import IdempotencyKey
from cadence_app.extensions import db
from cadence_app.traces import Fate, HandedOut, Kept, Leaving, Person, Traces, instant, register

_TABLES = (
    Kept(
        *(IdempotencyKey, Fate.EMPTIED, Fate.EMPTIED, Fate.STAYS, "api_answers"),
        because="That a call was made, for a day, so that it is not done twice: sent again, it answers 410."
        " In a merge, it is what was answered then.",
    ),
)
_TOLD = {"api_answers": "answers to other systems that named them, kept for a day"}
_GONE = 410
_ERASED = {
    "type": "/help/api#erased",
    "title": "Gone",
    "status": _GONE,
    "code": "erased",
    "detail": "This call was made once. Somebody in its answer was erased since.",
}
_NAMES = cast("$.** ? (@ == $said[*])", JSONPATH)
_IS_OF = cast("$.contact.id ? (@ == $ids[*])", JSONPATH)


def _clear(leaving: Leaving) -> None:
    db.session.execute(
        update(IdempotencyKey)
        .where(_named(leaving))
        .values(status=_GONE, body=json.dumps(_ERASED), location=None)
        .execution_options(synchronize_session=False)
    )


def _named(person: Person) -> ColumnElement[bool]:
    """The condition on answers with their number or ContactId, or the record itself, in them."""
    answer = cast(IdempotencyKey.body, JSONB)
    known = cast({"said": [*person.numbers, *person.external_ids], "ids": list(person.ids)}, JSONB)
    names: ColumnElement[bool] = func.jsonb_path_exists(answer, _NAMES, known)
    return names | func.jsonb_path_exists(answer, _IS_OF, known)


def _hand_out(person: Person) -> HandedOut:
    query = select(IdempotencyKey).where(_named(person)).order_by(IdempotencyKey.created_at)
    rows = [
        {"at": instant(each.created_at), "status": each.status, "answer": each.body}
        for each in db.session.scalars(query)
    ]
    return HandedOut({"api_answers": rows})


register(Traces("api", _TABLES, _TOLD, clear=_clear, hand_out=_hand_out))
