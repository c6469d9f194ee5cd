"""How a column holds the members of a StrEnum: as text in the database, as the member in Python."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

from sqlalchemy import ARRAY, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import TypeResolve
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine


class _Members(dict[str | None, str | None]):
    """The members by their values. Errors: LookupError for any other."""

    def __init__(self, enum: type[StrEnum], column: str, or_empty: bool) -> None:
        super().__init__({member.value: member for member in enum})
        self[None] = None
        if or_empty:
            self[""] = ""
        self._unknown = f"{column} is no {enum.__qualname__} of {enum.__module__}"

    def __missing__(self, value: str | None) -> str | None:
        raise LookupError(f"{self._unknown}: {value!r}")


class EnumText(TypeDecorator[str]):
    """Text that is read as a member of `enum`, and where `or_empty` as "" too. `column` (table.column) is for
    the error: a value that the enum does not have, such as a newer version's, is a LookupError when it is
    read, since code that knows nothing of it must not act on it."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[StrEnum], column: str, or_empty: bool = False) -> None:
        super().__init__()
        self.enum, self.column, self.or_empty = enum, column, or_empty

    # Not process_result_value(): texts are read by the ten thousand, and this costs no call of Python.
    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return _Members(self.enum, self.column, self.or_empty).__getitem__

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> TypeEngine[Any]:
        # A filter may ask for any text, a prefix say, and what is put together from one is only text.
        return Text()


def resolve_enum(annotation: TypeResolve) -> TypeEngine[Any] | None:
    """The type of a column that is annotated with a StrEnum, with a list of one, or with
    `AnEnum | Literal[""]` where there may be none and the column is never null."""
    resolved: Any = annotation.resolved_type
    in_list = get_origin(resolved) is list
    choices = get_args(resolved) or (resolved,)
    or_empty = Literal[""] in choices
    enums = [choice for choice in choices if isinstance(choice, type) and issubclass(choice, StrEnum)]
    if len(enums) != 1 or len(choices) != 1 + or_empty:
        return None
    text = EnumText(enums[0], f"{annotation.cls.__tablename__}.{annotation.key}", or_empty)
    return ARRAY(text) if in_list else text
