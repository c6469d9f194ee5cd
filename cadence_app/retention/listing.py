"""The two lists of a run as CSV: who would go, by name, and what went, with nobody's name in it.

Both are made a page at a time, so that memory does not grow with the list.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any

from flask import Flask
from sqlalchemy import select

from cadence_app.extensions import db
from cadence_app.retention.models import Fate, RetentionItem, RetentionRun
from cadence_app.retention.service import listed
from cadence_app.spreadsheets import defused
from cadence_app.tenancy import use_tenant

_PAGE = 1000
# UTF-8 with a byte order mark, as the exports are.
NAMES_HEADER = (
    "\ufeff"
    '"FirstName","LastName","ContactId","MobileNumber","LastTextOrChange","Conversations","Texts",'
    '"HistoryRows","State"\n'
)
REMOVED_HEADER = "contact_id,last_at,conversations,texts,changes\n"

# A page of a list: the run's id and the contact's id to begin after, to each contact's id and line.
Page = Callable[[int, int], list[tuple[int, str]]]


def names_page(run_id: int, after: int) -> list[tuple[int, str]]:
    """Who would go; the moment is UTC."""
    run = db.session.get_one(RetentionRun, run_id)
    lines = []
    for item, contact in listed(run, after, _PAGE):
        known = (contact.first_name, contact.last_name, contact.external_id) if contact else ("", "", "")
        moment = f"{item.last_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        number = contact.number if contact else ""
        counts = (item.conversations, item.texts, item.changes, item.fate)
        values = (*(defused(text) for text in known), number, moment, *counts)
        lines.append((item.contact_id, _line(values)))
    return lines


def removed_page(run_id: int, after: int) -> list[tuple[int, str]]:
    """What went."""
    query = (
        select(RetentionItem)
        .where(
            RetentionItem.run_id == run_id,
            RetentionItem.fate == Fate.REMOVED,
            RetentionItem.contact_id > after,
        )
        .order_by(RetentionItem.contact_id)
        .limit(_PAGE)
    )
    return [(item.contact_id, _removed_line(item)) for item in db.session.scalars(query)]


def lines(page: Page, run_id: int) -> Iterator[str]:
    """Every line of a list, in the session in use."""
    after = 0
    while found := page(run_id, after):
        after = found[-1][0]
        yield from (line for _, line in found)


def streamed(app: Flask, tenant_id: int, header: str, page: Page, run_id: int) -> Iterator[bytes]:
    """A whole file, for an answer that is sent after its request is over: each page in a session of its
    own."""
    yield header.encode()

    def in_own_session(run_id: int, after: int) -> list[tuple[int, str]]:
        with app.app_context():
            use_tenant(tenant_id)
            return page(run_id, after)

    yield from (line.encode() for line in lines(in_own_session, run_id))


def _removed_line(item: RetentionItem) -> str:
    moment = f"{item.last_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    return f"{item.contact_id},{moment},{item.conversations},{item.texts},{item.changes}\n"


def _line(values: tuple[Any, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(values)
    return line.getvalue()
