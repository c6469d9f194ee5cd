"""What the address of the list of contacts says: filters and order, read from it and written into it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask_login import current_user

from cadence_app.consent.models import Status
from cadence_app.contacts import tags
from cadence_app.contacts.service import NONE_RECORDED
from cadence_app.records.people_list import Sort, Which
from cadence_app.ui import query_values
from cadence_app.ui.query_values import Given


def which_of(values: Given) -> Which:
    """Which contacts, in which order: `sort` is a column, downwards with a minus before it. What nobody can
    choose counts as not chosen."""
    status = values.get("status", "")
    if status not in {"", *Status, NONE_RECORDED}:
        status = ""
    tag_id, team_id = query_values.row_id(values, "tag"), query_values.row_id(values, "team")
    if tag_id not in {tag.id for tag in tags.all_tags()}:
        tag_id = None
    if team_id not in {team.id for team in current_user.teams}:
        team_id = None
    which = Which(query_values.text(values, "q"), status, tag_id, team_id)
    wanted = values.get("sort", "")
    column = wanted.removeprefix("-")
    sort = Sort(column) if column in set(Sort) else Sort.NAME
    if sort == Sort.STATUS and only_team(which) is None:
        return which
    return replace(which, sort=sort, down=column in set(Sort) and wanted.startswith("-"))


def only_team(which: Which) -> int | None:
    """The team that a list is of: the one chosen, or the only one that the user is in."""
    if which.team_id is not None:
        return which.team_id
    return current_user.teams[0].id if len(current_user.teams) == 1 else None


def kept_of(which: Which) -> dict[str, Any]:
    """The same, as the parts of an address; None for what need not be said."""
    sort = sort_of(which.sort, which.down)
    return {
        "q": which.search or None,
        "status": which.status or None,
        "tag": which.tag_id,
        "team": which.team_id,
        "sort": None if sort == Sort.NAME else sort,
    }


def sort_of(sort: Sort, down: bool) -> str:
    """A column and its direction, as an address has them."""
    return f"-{sort}" if down else str(sort)


def pressed(which: Which, column: str) -> str:
    """What a press on a column's name sorts by: the other way round, where it is sorted by it already."""
    sort = Sort(column)
    return sort_of(sort, not which.down if which.sort == sort else sort.newest_first)
