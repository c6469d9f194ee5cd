"""PostgreSQL's advisory locks that Cadence takes, all of them, so that no two uses meet.

Each is held to the end of one short transaction, so a pooler in between does no harm. What lasts longer takes
a lease (leases.py).

By two numbers, of which the first says what for:

- Pair, below.
- From 1000 on: who is about to write history says which id is the last given out (announce_history() in the
  database), and settled_change_id() reads it.

By one number of 64 bits, made of a hash. Should two ever be the same, one waits for the other, and that is
all:

- history_day_key() in the database: a day of a tenant's history, shared by who writes it, alone for who seals
  it (consent/seals.py).
- number_turn() in the database: a number's turn, shared by who gets one, alone for who decides about old
  words of one (consent/number_holders.py). Numbers share 64 turns.
- What is tried and counted, one after the other (hold_number(); accounts/tries.py).
- The roles of the database, while the embedded one's are made (database_roles.py).
"""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import Connection, Select, func, select

from cadence_app.extensions import db


class Pair(IntEnum):
    """What a lock of the session's transaction is for; the second number is whose it is."""

    # Of a user: two presses of the button that asks for an export.
    REQUESTED_EXPORTS = 1
    # Of a user: two saved filters of one name.
    SAVED_FILTERS = 2


def hold(pair: Pair, whose: int) -> None:
    """Waits until nobody else holds it, to the end of the session's transaction."""
    db.session.execute(select(func.pg_advisory_xact_lock(int(pair), whose % 2**31)))


def hold_each(numbers: Select[int]) -> None:
    """As hold(), by each of these numbers of 64 bits, in the order of the query."""
    found = numbers.subquery()
    db.session.execute(select(func.pg_advisory_xact_lock(next(iter(found.c))))).all()


def hold_number(connection: Connection, number: int) -> None:
    """As hold(), by one number of 64 bits, to the end of a connection's transaction."""
    connection.execute(select(func.pg_advisory_xact_lock(number)))
