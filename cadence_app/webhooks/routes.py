"""Settings > Webhooks: the endpoints. For admins, the same in both modes."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.extensions import limiter
from cadence_app.reports.filters import SOURCE_NAMES
from cadence_app.vault import Unreadable
from cadence_app.webhooks import delivering, service
from cadence_app.webhooks.blueprint import blueprint
from cadence_app.webhooks.forms import EndpointForm, RollForm
from cadence_app.webhooks.jobs import dispatch
from cadence_app.webhooks.models import WebhookEndpoint


@blueprint.get("")
@admin_required
def index() -> str:
    shown = [(endpoint, service.waiting(endpoint)) for endpoint in service.all_endpoints()]
    return render_template("webhooks/index.html", shown=shown)


@blueprint.route("/new", methods=["GET", "POST"])
@admin_required
def new() -> ResponseReturnValue:
    form = EndpointForm()
    if form.validate_on_submit():
        endpoint, secret = service.add_endpoint(current_user, form.plan)
        return _secret_page(endpoint, secret, "is ready")
    return _form_page(form, "New endpoint", url_for("webhooks.index"))


@blueprint.route("/<int:endpoint_id>/edit", methods=["GET", "POST"])
@admin_required
def edit(endpoint_id: int) -> ResponseReturnValue:
    endpoint = find(endpoint_id)
    form = EndpointForm(data=_as_data(endpoint) if request.method == "GET" else None)
    if form.validate_on_submit():
        service.change_endpoint(current_user, endpoint, form.plan)
        flash("The endpoint is changed.", "success")
        return redirect(url_for("webhooks.show", endpoint_id=endpoint.id))
    return _form_page(form, f"Edit {endpoint.name}", url_for("webhooks.show", endpoint_id=endpoint.id))


@blueprint.route("/<int:endpoint_id>/roll", methods=["GET", "POST"])
@admin_required
def roll(endpoint_id: int) -> ResponseReturnValue:
    """Asks how; the answer to the form is the only page that shows the new secret."""
    endpoint = find(endpoint_id)
    form = RollForm()
    if form.validate_on_submit():
        secret = service.roll_secret(current_user, endpoint, overlap=not form.at_once.data)
        return _secret_page(endpoint, secret, "has a new secret")
    return render_template("webhooks/roll.html", endpoint=endpoint, form=form)


@blueprint.post("/<int:endpoint_id>/pause")
@admin_required
def pause(endpoint_id: int) -> ResponseReturnValue:
    service.pause(current_user, find(endpoint_id))
    flash("Paused. What changes meanwhile is sent when it is resumed.", "info")
    return redirect(url_for("webhooks.show", endpoint_id=endpoint_id))


@blueprint.post("/<int:endpoint_id>/resume")
@admin_required
def resume(endpoint_id: int) -> ResponseReturnValue:
    service.resume(current_user, find(endpoint_id))
    dispatch(current_user.tenant_id, endpoint_id)
    flash("Sending goes on where it stopped.", "success")
    return redirect(url_for("webhooks.show", endpoint_id=endpoint_id))


@blueprint.route("/<int:endpoint_id>/delete", methods=["GET", "POST"])
@admin_required
def delete(endpoint_id: int) -> ResponseReturnValue:
    """Asks once."""
    endpoint = find(endpoint_id)
    if request.method == "POST":
        service.delete_endpoint(current_user, endpoint)
        flash("The endpoint is deleted. Nothing more is sent to it.", "success")
        return redirect(url_for("webhooks.index"))
    return render_template("webhooks/delete.html", endpoint=endpoint, waiting=service.waiting(endpoint))


@blueprint.post("/<int:endpoint_id>/test")
@admin_required
@limiter.limit("20 per minute", key_func=lambda: f"webhook test {current_user.get_id()}")
def test(endpoint_id: int) -> ResponseReturnValue:
    """Sends a test event while the admin waits, and shows what came back."""
    endpoint = find(endpoint_id)
    try:
        delivery = delivering.send_test(endpoint)
    except Unreadable:
        flash(delivering.UNREADABLE, "error")
        return redirect(url_for("webhooks.show", endpoint_id=endpoint_id))
    return redirect(url_for("webhooks.delivery", endpoint_id=endpoint_id, delivery_id=delivery.id))


def find(endpoint_id: int) -> WebhookEndpoint:
    return service.find_endpoint(endpoint_id) or abort(404)


def choices_of(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """What the endpoint gets, in words; empty lists for all."""
    plan = service.plan_of(endpoint)
    return {
        "source_names": [SOURCE_NAMES[name] for name in plan.sources],
        "team_names": [team.name for team in plan.teams],
    }


def _as_data(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """An endpoint as the fields of its form show it."""
    return {
        "url": endpoint.url,
        "description": endpoint.description,
        "sources": endpoint.sources,
        "teams": [str(team_id) for team_id in endpoint.team_ids],
    }


def _form_page(form: EndpointForm, title: str, back: str) -> ResponseReturnValue:
    page = render_template("webhooks/form.html", form=form, title=title, back=back)
    return page, 422 if form.is_submitted() else 200


def _secret_page(endpoint: WebhookEndpoint, secret: str, what: str) -> str:
    return render_template("webhooks/secret.html", endpoint=endpoint, secret=secret, what=what)
