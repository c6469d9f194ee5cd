"""A confirmation may be of a team that a text named; and the organisations' own keywords as they are compared
now: without vowel signs and without what only dresses them."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

# What a stored word is compared with, so it must be the one in use: a copy here would only grow old.
from cadence_app.consent.keywords import BUILT_IN, normalise

revision = "0033"
down_revision = "0031"
branch_labels = None
depends_on = None

_STRICTEST_FIRST = {"out": 0, "help": 1, "in": 2}


def upgrade() -> None:
    op.add_column("messages", sa.Column("confirms_team_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(None, "messages", "teams", ["confirms_team_id"], ["id"])
    _normalise_again()


def _normalise_again() -> None:
    """Where two words become one, what opts out stays, then the older; a word that is built in by now or has
    no letter left goes. The log of the organisation says so."""
    connection = op.get_bind()
    words = sa.text("SELECT id, tenant_id, team_id, word, meaning, answer FROM custom_keywords ORDER BY id")
    groups = defaultdict(list)
    for row in connection.execute(words).all():
        groups[row.tenant_id, normalise(row.word)].append(row)
    for (_, word), rows in groups.items():
        if all(row.word == word for row in rows):
            continue
        kept: list[sa.Row[Any]] = []
        for row in sorted(rows, key=lambda each: (_STRICTEST_FIRST[each.meaning], each.id)):
            beside = [other for other in kept if _meet(other.team_id, row.team_id)]
            if not word or word in BUILT_IN or any(_excludes(other, row) for other in beside):
                _remove(connection, row)
            else:
                kept.append(row)
        for row in kept:
            if row.word != word:
                change = sa.text("UPDATE custom_keywords SET word = :word WHERE id = :id")
                connection.execute(change, {"word": word, "id": row.id})


def _meet(team_id: int | None, other_id: int | None) -> bool:
    """Whether two words count in some team both."""
    return team_id is None or other_id is None or team_id == other_id


def _excludes(kept: sa.Row[Any], row: sa.Row[Any]) -> bool:
    return bool(kept.meaning != row.meaning or kept.team_id == row.team_id)


def _remove(connection: sa.Connection, row: sa.Row[Any]) -> None:
    connection.execute(sa.text("DELETE FROM custom_keywords WHERE id = :id"), {"id": row.id})
    told = {"meaning": [row.meaning, None], "answer": [row.answer or None, None]}
    connection.execute(
        sa.text(
            "INSERT INTO audit_entries (tenant_id, user_name, action, subject, changes) "
            "VALUES (:tenant_id, 'Cadence, by itself', 'keyword.removed', :word, CAST(:changes AS jsonb))"
        ),
        {"tenant_id": row.tenant_id, "word": row.word, "changes": json.dumps(told)},
    )
