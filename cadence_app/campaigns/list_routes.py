"""The lists behind a campaign's figures, on pages and as CSV."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import ColumnElement

from cadence_app.accounts import downloads
from cadence_app.accounts.roles import desk_required
from cadence_app.campaigns import lists, reasons, recipients, service, talks
from cadence_app.campaigns.lists import Listed
from cadence_app.campaigns.models import Campaign, Reason
from cadence_app.extensions import db
from cadence_app.messaging import batch_words, bulk
from cadence_app.messaging.desk_models import Action
from cadence_app.messaging.models import Conversation
from cadence_app.spreadsheets import defused
from cadence_app.tenancy import use_tenant
from cadence_app.ui import query_values
from cadence_app.ui.formatting import utc
from cadence_app.ui.navigation import words_of

_ID = re.compile(r"[0-9]{1,18}")

blueprint = Blueprint("campaign_lists", __name__, url_prefix="/campaigns")


@blueprint.get("/<int:campaign_id>/<name>")
@desk_required
def show(campaign_id: int, name: str) -> str:
    campaign, listed = _list(campaign_id, name)
    page = query_values.page(request.args)
    tabs, total = lists.tabs_of(campaign, name)
    rows = recipients.page_of(listed.conditions, page, listed.order)
    reads = talks.reads(current_user, campaign)
    shown = talks.talks_of(campaign, rows) if reads else {}
    # Only where it is asked for: it is read of all who are in the list.
    to_finish = talks.count(talks.unfinished(campaign, listed.conditions)) if shown else 0
    batch = bulk.find(current_user, query_values.row_id(request.args, "did"))
    return render_template(
        "campaigns/list.html",
        campaign=campaign,
        name=name,
        listed=listed,
        tabs=tabs,
        rows=rows,
        reads=reads,
        talks=shown,
        to_finish=min(to_finish, bulk.MOST),
        batch=batch,
        batch_words=batch_words.of(batch) if batch else "",
        shown_at=int(time.time()),
        total=lists.count(listed.conditions) if total is None else total,
        page_number=page,
        size=recipients.PAGE,
        reasons=reasons.words_of(campaign, words_of(current_user.tenant).team),
        states=lists.STATES,
    )


@blueprint.post("/<int:campaign_id>/<name>/done")
@desk_required
def finish(campaign_id: int, name: str) -> ResponseReturnValue:
    """Marks the conversations that are ticked done, or all of the list."""
    campaign, listed = _list(campaign_id, name)
    if not talks.reads(current_user, campaign):
        abort(404)
    wanted = talks.unfinished(campaign, listed.conditions)
    whole_list = "all" in request.form
    if not whole_list:
        ticked = query_values.row_ids(request.form, "conversation", recipients.PAGE)
        wanted = wanted.where(Conversation.id.in_(ticked))
    ids = db.session.scalars(wanted.limit(bulk.MOST)).all()
    page = query_values.page(request.args)
    here: dict[str, Any] = {"campaign_id": campaign.id, "name": name, "page": page if page > 1 else None}
    if not ids:
        flash("Nothing was selected that can be marked done.", "warning")
        return redirect(url_for("campaign_lists.show", **here))
    batch = bulk.act(current_user, Action.DONE, ids, _seen(), whole_list=whole_list)
    return redirect(url_for("campaign_lists.show", **here, did=batch.id))


@blueprint.post("/<int:campaign_id>/<name>/undo")
@desk_required
def undo(campaign_id: int, name: str) -> ResponseReturnValue:
    """Takes back what finish() did."""
    _list(campaign_id, name)
    batch = bulk.find(current_user, query_values.row_id(request.form, "batch"))
    if batch is None:
        flash("It can't be undone any more.", "warning")
    else:
        flash(batch_words.undone(bulk.undo(current_user, batch)), "success")
    return redirect(url_for("campaign_lists.show", campaign_id=campaign_id, name=name))


@blueprint.get("/<int:campaign_id>/<name>.csv")
@desk_required
def download(campaign_id: int, name: str) -> Response:
    campaign, listed = _list(campaign_id, name)
    downloads.note(current_user, "campaign.list_downloaded", f"{campaign.name}: {name}")
    rows = _csv(campaign.tenant_id, listed.conditions, reasons.words_of(campaign, "team"))
    file_name = f"campaign-{campaign.id}-{name}.csv"
    return Response(
        stream_with_context(rows),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def _seen() -> bulk.Seen:
    """What was on the page whose form was sent. One that says so in no way that it is written has seen
    nothing."""
    texts: dict[int, int] = {}
    for each in request.form.getlist("seen")[: recipients.PAGE]:
        conversation_id, _, text_id = each.partition("-")
        if _ID.fullmatch(conversation_id) and _ID.fullmatch(text_id):
            texts[int(conversation_id)] = int(text_id)
    at = request.form.get("at", default=0, type=int)
    return bulk.Seen(texts, datetime.fromtimestamp(min(max(at, 0), time.time()), UTC))


def _list(campaign_id: int, name: str) -> tuple[Campaign, Listed]:
    campaign = service.find(current_user, campaign_id) or abort(404)
    return campaign, lists.lists_of(campaign, words_of(current_user.tenant).team).get(name) or abort(404)


def _csv(tenant_id: int, conditions: Sequence[ColumnElement[bool]], why: dict[Reason, str]) -> Iterator[str]:
    """UTF-8 with a mark for Excel; what somebody typed is defused, as in every file of Cadence."""
    # What is streamed is read in a session of its own.
    use_tenant(tenant_id)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    yield "\ufeff"
    writer.writerow(
        ("FirstName", "LastName", "ContactId", "MobileNumber", "Entry", "State", "Reason", "SentAt", "Detail")
    )
    for first, last, external_id, number, entry, state, reason, sent_at, detail in recipients.rows_of(
        conditions
    ):
        writer.writerow(
            (
                *(defused(value or "") for value in (first, last, external_id)),
                number or "",
                defused(entry),
                lists.STATES[state],
                why[reason] if reason else "",
                f"{utc(sent_at)[:-4].replace(' ', 'T')}Z" if sent_at else "",
                defused(detail or ""),
            )
        )
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()
