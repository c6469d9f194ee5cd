"""Days and moments as files write them: the report's own way, and what spreadsheets make of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

_FORMS = ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p")
# Clocks differ; more than this ahead is a mistake of whoever wrote it.
_AHEAD = timedelta(days=1)


def moment(text: str, opts_out: bool) -> datetime:
    """A moment (UTC). One without a zone is UTC, as the report writes it. A day without a time is its last
    instant for an opt out and its first for an opt in, so that of two on one day the opt out is the newer.

    Errors: ValueError for what is no moment, and for one that is still to come.
    """
    plain = _plain(text)
    found = _read(plain)
    if ":" not in plain and found.time() == time():
        found = found.replace(tzinfo=UTC)
        return _past(found + timedelta(days=1, microseconds=-1) if opts_out else found)
    return _past(_in_utc(found))


def day_or_moment(text: str) -> date | datetime:
    """A day where no time is given, else a moment (UTC), which is UTC where it has no zone. Midnight without
    a zone is how programs write a day. Errors: ValueError and OverflowError for what is neither."""
    plain = _plain(text)
    found = _read(plain)
    says_zone = found.tzinfo is not None or plain != " ".join(text.replace(",", " ").split())
    if found.time() == time() and not says_zone:
        return found.date()
    return _in_utc(found)


def _plain(text: str) -> str:
    return " ".join(text.replace(",", " ").removesuffix("UTC").split())


def _in_utc(found: datetime) -> datetime:
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _read(text: str) -> datetime:
    for form in _FORMS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return datetime.fromisoformat(text)


def _past(found: datetime) -> datetime:
    if found > datetime.now(UTC) + _AHEAD:
        raise ValueError("still to come")
    return found
