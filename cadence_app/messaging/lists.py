"""The desk's lists of inboxes and conversations, as a page's address asks for them."""

from __future__ import annotations

from typing import Any

from flask import abort, request, url_for
from flask_login import current_user

from cadence_app.messaging import desk, for_me, opt_out_queue, page_freshness
from cadence_app.messaging.carriers import unread
from cadence_app.messaging.models import Conversation
from cadence_app.ui import query_values


def lists(found: Conversation | None) -> dict[str, Any]:
    """What the lists beside the open conversation, or beside none, show. `here` gives the address of this
    page with something of it changed."""
    search = query_values.text(request.args, "q")
    inbox_id = request.args.get("inbox", type=int)
    wanted = request.args.get("only", "")
    only = desk.Only(wanted) if wanted in set(desk.Only) else desk.Only.ALL
    page_number = query_values.page(request.args)
    # First, so that what comes while the rest is read is asked for again.
    version = page_freshness.lists_version(current_user)
    inboxes = desk.inboxes_of(current_user)
    if inbox_id is not None and inbox_id not in {inbox.id for inbox, _ in inboxes}:
        abort(404)
    kept: dict[str, Any] = {"inbox": inbox_id, "q": search or None, "only": str(only) or None}

    def here(**changes: Any) -> str:
        if found is None:
            return url_for("messaging.desk", **(kept | changes))
        return url_for("messaging.conversation", conversation_id=found.id, **(kept | changes))

    return {
        "conversation": found,
        "lists_version": version,
        "inboxes": inboxes,
        "current_inbox": next((inbox for inbox, _ in inboxes if inbox.id == inbox_id), None),
        "unread_total": sum(unread for _, unread in inboxes),
        "inbox_id": inbox_id,
        "search": search,
        "only": only,
        "kept": kept,
        "here": here,
        "flagged_total": desk.flagged_count(current_user),
        "for_me_total": for_me.unseen_count(current_user),
        "queue_total": opt_out_queue.count(current_user),
        "unread_posts_total": unread.count(first=True) if current_user.is_admin else 0,
        "page_number": page_number,
        "page": desk.conversations(current_user, inbox_id, search, only, page_number),
    }
