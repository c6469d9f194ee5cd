"""Encrypting what is stored anew under the current key, so that an old one can be thrown away.

Every column that holds a secret says so (vault.py, ENCRYPTED). The pass goes over all tenants, some rows at a
time, each committed: cut off, it is run again and finds the rest. A secret that somebody changes meanwhile is
left as they changed it. Afterwards every column of every table is looked through for what the current key
does not read, whether it says so or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Table, Text, cast, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB

from cadence_app import vault
from cadence_app.accounts.models import Tenant
from cadence_app.extensions import db
from cadence_app.tenancy import use_tenant

_AT_ONCE = 500
_TOKEN = re.compile(rf"{vault.TOKEN_START}[A-Za-z0-9_=-]{{90,}}")


@dataclass
class Outcome:
    """`renewed` are secrets now under the current key. `old` and `lost` are columns by name with how many
    secrets in them only an old key reads, and no known key."""

    renewed: int = 0
    old: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return not self.old and not self.lost


def rotate() -> Outcome:
    """Encrypts anew whatever the current key does not read, and looks whether anything is left. Commits."""
    outcome = Outcome()
    for table in _tables():
        encrypted = [column for column in table.columns if column.info.get("encrypted")]
        for _ in _each_owner(table) if encrypted else ():
            for column in encrypted:
                outcome.renewed += _renew(table, column)
    for table in _tables():
        for _ in _each_owner(table):
            _look(table, outcome)
    return outcome


def encrypted_columns() -> set[str]:
    """Every column that is known to hold secrets, as `table.column`."""
    return {str(column) for table in _tables() for column in table.columns if column.info.get("encrypted")}


def _tables() -> list[Table]:
    return db.metadata.sorted_tables


def _each_owner(table: Table) -> Iterator[None]:
    """Once for each tenant, whose rows the session then works with; once for a table that is of none."""
    if "tenant_id" not in table.columns:
        yield
        return
    ids = db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all()
    db.session.commit()
    for tenant_id in ids:
        use_tenant(tenant_id)
        yield


def _renew(table: Table, column: Column[Any]) -> int:
    key = list(table.primary_key)
    after: Any = None
    renewed = 0
    while True:
        query = (
            select(*key, column).where(column.like(f"{vault.TOKEN_START}%")).order_by(*key).limit(_AT_ONCE)
        )
        rows = db.session.execute(
            query if after is None else query.where(tuple_(*key) > tuple_(*after))
        ).all()
        for *values, token in rows:
            renewed += _renew_one(table, column, values, token)
        db.session.commit()
        if len(rows) < _AT_ONCE:
            return renewed
        after = rows[-1][:-1]


def _renew_one(table: Table, column: Column[Any], key: list[Any], token: str) -> int:
    if vault.is_current(token):
        return 0
    try:
        fresh = vault.renewed(token)
    except vault.Unreadable:
        return 0
    same = (part == value for part, value in zip(table.primary_key, key, strict=True))
    done = db.session.execute(update(table).where(*same, column == token).values({column: fresh}))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _look(table: Table, outcome: Outcome) -> None:
    """Counts what the current key does not read in any text or JSON of a table."""
    columns = [column for column in table.columns if isinstance(column.type, Text | JSONB)]
    texts = [cast(column, Text) for column in columns]
    if not columns:
        return
    found = select(*texts).where(or_(*(text.like(f"%{vault.TOKEN_START}%") for text in texts)))
    for row in db.session.execute(found.execution_options(yield_per=_AT_ONCE)):
        for column, text in zip(columns, row, strict=True):
            _count(column, text or "", outcome)
    db.session.commit()


def _count(column: Column[Any], text: str, outcome: Outcome) -> None:
    for token in _tokens(column, text):
        if vault.is_current(token):
            continue
        try:
            vault.decrypt(token)
        except vault.Unreadable:
            # Elsewhere than in a column of secrets it is a text that only looks like one.
            if column.info.get("encrypted"):
                outcome.lost[str(column)] = outcome.lost.get(str(column), 0) + 1
        else:
            outcome.old[str(column)] = outcome.old.get(str(column), 0) + 1


def _tokens(column: Column[Any], text: str) -> Iterable[str]:
    return [text] if column.info.get("encrypted") and text else _TOKEN.findall(text)
