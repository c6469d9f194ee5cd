"""The indexes of the desk's tabs that may be long: each has the order of its list within an inbox."""

from __future__ import annotations

from sqlalchemy import Index, text

_WHICH = {
    "listed": "listed_at IS NOT NULL",
    "open": "state = 'open' AND listed_at IS NOT NULL",
    "done_listed": "state = 'done' AND listed_at IS NOT NULL",
    "unread_listed": "unread > 0 AND listed_at IS NOT NULL",
    "waiting_listed": "state = 'open' AND waiting_since IS NOT NULL AND listed_at IS NOT NULL",
}


def orders_of_tabs() -> list[Index]:
    """For the table of conversations; the page of a tab comes out of one (desk_first.py)."""
    return [
        Index(
            f"ix_conversations_{name}",
            *("inbox_id", text("listed_at DESC"), text("id DESC")),
            postgresql_where=text(which),
        )
        for name, which in _WHICH.items()
    ]
