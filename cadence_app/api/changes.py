"""Every opt-out change, to follow from the first one on."""

from __future__ import annotations

from cadence_app.api.blueprint import api
from cadence_app.api.contacts import find_team
from cadence_app.api.models import Scope
from cadence_app.api.operations import operation
from cadence_app.api.schemas import ChangeOut, ChangePage, ChangeQuery
from cadence_app.consent.change_feed import changes_after
from cadence_app.consent.models import Source


@api.get("/changes")
@operation(ChangePage, Scope.CHANGES_READ, query=ChangeQuery)
def list_changes(query: ChangeQuery) -> ChangePage:
    """Follow the changes

    Oldest first, each once. Keep `next_cursor` and give it the next time: no change is skipped, however
    late it was committed. Keep the filters as they are while you follow.
    """
    feed = changes_after(
        int(query.cursor or 0),
        query.limit,
        since=query.since,
        team_ids=[find_team(query.team).id] if query.team else [],
        sources=[Source(query.source)] if query.source else [],
    )
    return ChangePage(
        items=[ChangeOut.model_validate(change) for change in feed.changes],
        next_cursor=str(feed.cursor),
        more=feed.more,
    )
