"""Errors of the database without the values of anybody's row.

PostgreSQL quotes them: "Key (number)=(+1...) already exists", "Failing row contains (...)", "invalid input
syntax for type bigint: ...". Such an error is written to the log, and into RQ's record of a failed job, so it
is cut to what names no row as soon as it arrives. What code looks at, the class and `diag`, stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

# PostgreSQL, appendix A, "Error codes": of these even the first line quotes values (data exception, WITH
# CHECK OPTION), or is what a function chose to say (PL/pgSQL's own).
_QUOTING = ("22", "44", "P0")
_HIDDEN = "what it was about is left out, for it may quote somebody's data"


def without_values(error: psycopg.Error) -> str:
    """What may be said of an error: its first line where that quotes nothing, and the names it is about."""
    diagnosis = error.diag
    if error.sqlstate is None:
        # psycopg's own. Of a value that it could not pass on it may show the value.
        return _HIDDEN if isinstance(error, psycopg.DataError) else str(error)
    said = _HIDDEN if error.sqlstate[:2] in _QUOTING else diagnosis.message_primary or ""
    named = {
        "table": diagnosis.table_name,
        "column": diagnosis.column_name,
        "constraint": diagnosis.constraint_name,
        "type": diagnosis.datatype_name,
    }
    names = ", ".join(f"{kind} {name}" for kind, name in named.items() if name)
    return f"{said} ({', '.join(part for part in (f'SQLSTATE {error.sqlstate}', names) if part)})"


def cut(error: psycopg.Error) -> None:
    """Leaves of an error's text what names no row."""
    error.args = (without_values(error),)


@contextmanager
def cutting() -> Iterator[None]:
    """For what goes past SQLAlchemy, such as COPY."""
    try:
        yield
    except psycopg.Error as error:
        cut(error)
        raise


def init_database_errors() -> None:
    """For every engine of the process, that of the migrations too."""
    if not event.contains(Engine, "handle_error", _cut):
        event.listen(Engine, "handle_error", _cut)


def _cut(context: ExceptionContext) -> None:
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    if isinstance(original, psycopg.Error):
        cut(original)
    elif wrapped is not None and original.args:
        # A value that SQLAlchemy could not make a parameter of is quoted too.
        original.args = (_HIDDEN,)
    if wrapped is not None:
        wrapped.args = (f"({type(original).__module__}.{type(original).__qualname__}) {original}",)
