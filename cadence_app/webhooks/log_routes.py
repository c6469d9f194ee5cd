"""Settings > Webhooks: one endpoint, its log, a delivery with its tries, and sending again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.webhooks import log, service
from cadence_app.webhooks.blueprint import blueprint
from cadence_app.webhooks.delivering import RETRY_AFTER
from cadence_app.webhooks.forms import LogForm, ResendForm
from cadence_app.webhooks.jobs import dispatch
from cadence_app.webhooks.models import WebhookDelivery, WebhookEndpoint
from cadence_app.webhooks.routes import choices_of, find

# As many digits as an id that the database can hold.
_CURSOR = re.compile(r"[0-9]{1,18}", re.ASCII)


@blueprint.get("/<int:endpoint_id>")
@admin_required
def show(endpoint_id: int) -> ResponseReturnValue:
    return _endpoint_page(find(endpoint_id), _resend_form())


@blueprint.post("/<int:endpoint_id>/resend")
@admin_required
def resend_failed(endpoint_id: int) -> ResponseReturnValue:
    endpoint, form = find(endpoint_id), ResendForm()
    if not form.validate_on_submit():
        return _endpoint_page(endpoint, form)
    count = log.send_failed_again(endpoint, form.since_utc)
    if count:
        _wake(endpoint, "1 event goes out again." if count == 1 else f"{count:,} events go out again.")
    else:
        flash("Nothing has failed since then.", "info")
    return redirect(url_for(".show", endpoint_id=endpoint_id))


@blueprint.get("/<int:endpoint_id>/deliveries/<int:delivery_id>")
@admin_required
def delivery(endpoint_id: int, delivery_id: int) -> str:
    endpoint = find(endpoint_id)
    found = _delivery(endpoint, delivery_id)
    return render_template(
        "webhooks/delivery.html",
        endpoint=endpoint,
        delivery=found,
        told=log.told(found),
        blocking=log.blocking(found) if found.contact_id else None,
        most=len(RETRY_AFTER) + 1,
    )


@blueprint.post("/<int:endpoint_id>/deliveries/<int:delivery_id>/resend")
@admin_required
def resend(endpoint_id: int, delivery_id: int) -> ResponseReturnValue:
    endpoint = find(endpoint_id)
    found = _delivery(endpoint, delivery_id)
    if found.change_id is None:
        abort(404)
    log.send_again(found)
    _wake(endpoint, "It goes out again, with the same webhook-id.")
    return redirect(url_for(".delivery", endpoint_id=endpoint_id, delivery_id=delivery_id))


def _delivery(endpoint: WebhookEndpoint, delivery_id: int) -> WebhookDelivery:
    return log.find_delivery(endpoint, delivery_id) or abort(404)


def _wake(endpoint: WebhookEndpoint, said: str) -> None:
    if not endpoint.active:
        flash(f"{said} It waits until the endpoint is resumed.", "warning")
    else:
        dispatch(current_user.tenant_id, endpoint.id)
        flash(said, "success")


def _resend_form() -> ResendForm:
    """At first, since this time yesterday."""
    yesterday = datetime.now(current_user.zone) - timedelta(days=1)
    return ResendForm(formdata=None, since=yesterday.replace(tzinfo=None, second=0, microsecond=0))


def _endpoint_page(endpoint: WebhookEndpoint, resend_form: ResendForm) -> ResponseReturnValue:
    form = LogForm(formdata=request.args)
    valid = form.validate()
    before = request.args.get("before", "")
    page = log.deliveries_of(
        endpoint,
        form.state.data if valid else "",
        form.contact.data if valid else "",
        int(before) if _CURSOR.fullmatch(before) else None,
    )
    kept: dict[str, Any] = {"state": form.state.data, "contact": form.contact.data} if valid else {}
    kept = {name: value for name, value in kept.items() if value}
    body = render_template(
        "webhooks/show.html",
        endpoint=endpoint,
        **choices_of(endpoint),
        form=form,
        resend_form=resend_form,
        page=page,
        told={delivery.id: log.told(delivery) for delivery in page.deliveries},
        attempts=log.latest_attempts(page.deliveries),
        waiting=service.waiting(endpoint),
        filtered=bool(kept),
        newest_url=_place(endpoint, kept) if before else None,
        older_url=_place(endpoint, kept | {"before": page.older}) if page.older else None,
    )
    return body, 200 if valid and not resend_form.errors else 422


def _place(endpoint: WebhookEndpoint, asked: dict[str, Any]) -> str:
    return url_for(".show", endpoint_id=endpoint.id, **asked)
