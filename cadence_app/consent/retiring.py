"""The only two ways in which a row of the history or of evidence may lose anything: erased for a person, or
purged by age.

They are functions of the database, which keep what the row was in retired_changes and retired_evidence, so
that verifying.py still proves the rest and still names a row that was altered in any other way. By age the
database purges evidence itself, with the record that it is of (remove_contacts()).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select

from cadence_app.accounts.models import User
from cadence_app.consent.recording_time import this_moment
from cadence_app.extensions import db

# What the history says in place of a person's number; their id follows.
ERASED_NUMBER = "erased-"


def erase_changes(change_ids: Collection[int], user: User, why: str) -> int:
    """Replaces names, ContactId, number, words and reason of these rows, in this transaction; the reason
    becomes `why`. Rows erased before are left. Returns how many were erased.

    No seal refuses it: with the clock behind the newest one it happens right after that, and says so."""
    return _erase("erase_changes", change_ids, user, why)


def erase_evidence(evidence_ids: Collection[int], user: User, why: str) -> int:
    """Replaces words, page, digest of it, IP address, number, who collected it and the file it came in of
    these rows of evidence, as erase_changes() does of the history; `why` takes the place of the words."""
    return _erase("erase_evidence", evidence_ids, user, why)


def purge_changes(change_ids: Collection[int], user: User | None, by: str, why: str) -> int:
    """Deletes these rows, in this transaction. Left are those of days that are not sealed, and those that a
    status rests on. `by` names who or what did it. Returns how many were purged."""
    return _retire("purge_changes", change_ids, user, by, why)


def _erase(function: str, ids: Collection[int], user: User, why: str) -> int:
    moment = this_moment()
    return _retire(function, ids, user, user.name, moment.said(why, moment.at))


def _retire(function: str, ids: Collection[int], user: User | None, by: str, why: str) -> int:
    call = getattr(func, function)(list(ids), user.id if user else None, by, why)
    return int(db.session.execute(select(call)).scalar_one())
