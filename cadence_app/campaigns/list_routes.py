"""The lists behind a campaign's figures, on pages and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, Response, abort, render_template, request, stream_with_context
from flask_login import current_user
from sqlalchemy import ColumnElement

from cadence_app.accounts import downloads
from cadence_app.accounts.roles import desk_required
from cadence_app.campaigns import reasons, recipients, results, service
from cadence_app.campaigns.models import Campaign, Reason, Recipient, RecipientState
from cadence_app.spreadsheets import defused
from cadence_app.tenancy import use_tenant
from cadence_app.ui import query_values
from cadence_app.ui.formatting import utc
from cadence_app.ui.navigation import words_of

blueprint = Blueprint("campaign_lists", __name__, url_prefix="/campaigns")

STATES = {
    RecipientState.LEFT_OUT: "Left out",
    RecipientState.WAITING: "Waiting",
    RecipientState.SENDING: "Being sent",
    RecipientState.SENT: "Sent, not known whether delivered",
    RecipientState.DELIVERED: "Delivered",
    RecipientState.FAILED: "Failed",
    RecipientState.SUPPRESSED: "Not sent",
    RecipientState.CANCELLED: "Cancelled before their turn",
}


@dataclass(frozen=True)
class Listed:
    """One list: its title and the condition on Recipient."""

    title: str
    condition: ColumnElement[bool]


def lists_of(campaign: Campaign, team: str) -> dict[str, Listed]:
    """Every list of a campaign, by its name in the address; `team` is what a team is called here."""
    out, why = Recipient.state == RecipientState.LEFT_OUT, reasons.words_of(campaign, team)
    return {
        "texted": Listed("Who gets it", ~out),
        "left-out": Listed("Left out", out),
        **{reason.value: Listed(title, Recipient.reason == reason) for reason, title in why.items()},
        "sent": Listed("Sent", Recipient.state.in_(results.HANDED_OVER)),
        **{
            state.value: Listed(title, Recipient.state == state)
            for state, title in STATES.items()
            if state != RecipientState.LEFT_OUT
        },
        "replied": Listed("Replied within 24 hours", results.replied(campaign)),
        "opted-out-after": Listed("Opted out within 7 days of it", results.opted_out_after(campaign)),
    }


@blueprint.get("/<int:campaign_id>/<name>")
@desk_required
def show(campaign_id: int, name: str) -> str:
    campaign, listed = _list(campaign_id, name)
    page = query_values.page(request.args)
    rows, total = recipients.page_of(_conditions(campaign, listed), page)
    return render_template(
        "campaigns/list.html",
        campaign=campaign,
        name=name,
        listed=listed,
        rows=rows,
        total=total,
        page_number=page,
        size=recipients.PAGE,
        reasons=reasons.words_of(campaign, words_of(current_user.tenant).team),
        states=STATES,
    )


@blueprint.get("/<int:campaign_id>/<name>.csv")
@desk_required
def download(campaign_id: int, name: str) -> Response:
    campaign, listed = _list(campaign_id, name)
    downloads.note(current_user, "campaign.list_downloaded", f"{campaign.name}: {name}")
    rows = _csv(campaign.tenant_id, _conditions(campaign, listed), reasons.words_of(campaign, "team"))
    file_name = f"campaign-{campaign.id}-{name}.csv"
    return Response(
        stream_with_context(rows),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def _list(campaign_id: int, name: str) -> tuple[Campaign, Listed]:
    campaign = service.find(current_user, campaign_id) or abort(404)
    return campaign, lists_of(campaign, words_of(current_user.tenant).team).get(name) or abort(404)


def _conditions(campaign: Campaign, listed: Listed) -> list[ColumnElement[bool]]:
    return [Recipient.campaign_id == campaign.id, listed.condition]


def _csv(tenant_id: int, conditions: list[ColumnElement[bool]], why: dict[Reason, str]) -> Iterator[str]:
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
                STATES[state],
                why[reason] if reason else "",
                f"{utc(sent_at)[:-4].replace(' ', 'T')}Z" if sent_at else "",
                defused(detail or ""),
            )
        )
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()
