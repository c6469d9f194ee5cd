"""The desk's lists of inboxes and conversations, as a page's address asks for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import abort, request, url_for
from flask_login import current_user

from cadence_app.contacts.tags import all_tags
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.out_of_office import away_now
from cadence_app.inboxes.service import people_of
from cadence_app.messaging import (
    batch_words,
    bulk,
    desk,
    desk_choices,
    draft_lists,
    for_me,
    opt_out_queue,
    page_freshness,
    searched,
)
from cadence_app.messaging.carriers import unread
from cadence_app.messaging.desk_models import DeskChoice
from cadence_app.messaging.desk_which import Only, Which, Whose
from cadence_app.messaging.models import Conversation
from cadence_app.ui import query_values
from cadence_app.ui.query_values import Given


def which_of(given: Given, choice: DeskChoice | None = None) -> Which:
    """Which list an address or a form names. Without a tab it is the one that the user was in last, but a
    search, or a list that is narrowed, is of all, so that it always finds a person."""
    choice = choice or desk_choices.of(current_user)
    search, person = query_values.text(given, "q"), query_values.text(given, "person")
    tag_id, whose = query_values.row_id(given, "tag"), given.get("whose", "")
    which = Which(
        given.get("inbox", type=int),
        search,
        oldest_first=choice.oldest_first,
        person=person,
        tag_id=tag_id,
        whose=Whose(whose) if whose in set(Whose) else Whose.ANYONES,
    )
    wanted = given.get("only", "")
    if wanted in set(Only):
        return replace(which, only=Only(wanted))
    return which if search or which.narrowed else replace(which, only=desk_choices.tab_of(choice))


def kept_of(which: Which) -> dict[str, Any]:
    """The same as the values of an address."""
    return {
        "inbox": which.inbox_id,
        "q": which.search or None,
        "only": str(which.only),
        "person": which.person or None,
        "tag": which.tag_id,
        "whose": str(which.whose) or None,
    }


def lists(found: Conversation | None) -> dict[str, Any]:
    """What the lists beside the open conversation, or beside none, show. `here` gives the address of this
    page with something of it changed."""
    choice = desk_choices.of(current_user)
    which = which_of(request.args, choice)
    page_number = query_values.page(request.args)
    # First, so that what comes while the rest is read is asked for again.
    version, made_at = page_freshness.lists_version(current_user), datetime.now(UTC)
    inboxes = desk.inboxes_of(current_user)
    if which.inbox_id is not None and which.inbox_id not in {inbox.id for inbox, _ in inboxes}:
        abort(404)
    kept = kept_of(which)

    def here(**changes: Any) -> str:
        if found is None:
            return url_for("messaging.desk", **(kept | changes))
        return url_for("messaging.conversation", conversation_id=found.id, **(kept | changes))

    batch = bulk.find(current_user, query_values.row_id(request.args, "did"))
    page = desk.conversations(current_user, which, page_number)
    return {
        "conversation": found,
        "lists_version": version,
        "made_at": made_at.timestamp(),
        "inboxes": inboxes,
        "away": away_now([inbox.id for inbox, _ in inboxes]),
        "current_inbox": next((inbox for inbox, _ in inboxes if inbox.id == which.inbox_id), None),
        "unread_total": sum(unread for _, unread in inboxes),
        "inbox_id": which.inbox_id,
        "search": which.search,
        "only": which.only,
        "which": which,
        "filter_states": searched.STATES,
        "filters": searched.filters_of(which),
        "found_name": searched.name_pieces(which),
        "found_tags": searched.found_tags(which, [row.conversation.contact_id for row in page.rows]),
        "oldest_first": which.oldest_first,
        "kept": kept,
        "here": here,
        "waiting_total": desk.count(current_user, Which(which.inbox_id, only=Only.WAITING), _MOST_COUNTED),
        "list_total": _total(which, page, page_number),
        "for_me_total": for_me.unseen_count(current_user),
        "queue_total": opt_out_queue.count(current_user),
        "unread_posts_total": unread.count(first=True) if current_user.is_admin else 0,
        "page_number": page_number,
        "page": page,
        "drafts": draft_lists.previews(current_user, [row.conversation.id for row in page.rows]),
        "says_quiet": desk_choices.says_quiet(current_user, choice),
        "batch": batch,
        "may_undo": batch is not None and bulk.count_of(batch) > 0,
        "batch_words": batch_words.of(batch, explain=request.args.get("by") == "key") if batch else "",
        "bulk_most": bulk.MOST,
        "most_counted": _MOST_COUNTED,
        # Asked only by what shows them.
        "colleagues": lambda: people_of(_shared(inboxes, which.inbox_id)),
        "known_tags": all_tags,
    }


# A number behind a tab is for getting through it: past this it is "999+". And who takes all of a list that
# has more need not know how many: each of them would be read for it, on every page.
_MOST_COUNTED = 1000


def _total(which: Which, page: desk.Page, page_number: int) -> int:
    """How many conversations the list has, _MOST_COUNTED for as many or more."""
    if not page.more and page_number == 1:
        return len(page.rows)
    return desk.count(current_user, which, _MOST_COUNTED)


def _shared(inboxes: list[Any], inbox_id: int | None) -> list[Inbox]:
    return [inbox for inbox, _ in inboxes if not inbox.personal and inbox_id in (None, inbox.id)]
