"""What is due, of all tenants, by one query for each kind of work.

The queries are functions of the database (migrations/due.py) that see every tenant's rows, as the look-ups
before a sign-in do, and give away no more than two ids of each. Each looks at an index alone. A tenant who
has much is dealt with evenly: the first of each tenant come first, then the second ones, in another order of
tenants each time, so that nobody waits behind somebody else's thousands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import text

from cadence_app.extensions import db

_NAME = re.compile(r"due_[a-z_]+")


class Due(NamedTuple):
    """A row that is due; of work that is a whole tenant's, `id` is whatever the query gives."""

    tenant_id: int
    id: int


def find(
    name: str, late: timedelta, of_each: int, at_most: int, given: Mapping[str, Any] | None = None
) -> list[Due]:
    """What has been due for `late` by a function of the database: at most so many `of_each` tenant, and
    `at_most` so many of all. `given` are further arguments that the function has, in its order. The session
    has no transaction afterwards."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name} is no query for what is due")
    given = given or {}
    arguments = ", ".join([":late", ":of_each", ":at_most", *(f":{each}" for each in given)])
    query = text(f"SELECT tenant_id, id FROM {name}({arguments})")  # noqa: S608 - checked above
    rows = db.session.execute(query, {"late": late, "of_each": of_each, "at_most": at_most, **given}).all()
    db.session.rollback()
    return [Due(row.tenant_id, row.id) for row in rows]
