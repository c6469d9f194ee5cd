"""The operator's screen: tenants by name and count, and the few switches over them."""

from __future__ import annotations

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from cadence_app.accounts.models import Navigation, Tenant
from cadence_app.accounts.service import Refused
from cadence_app.administration import organisation
from cadence_app.extensions import db
from cadence_app.operators import overview, service
from cadence_app.operators.access import blueprint, operator_required
from cadence_app.operators.forms import NameForm, TenantForm
from cadence_app.ui.navigation import SCREENS, screens_of


@blueprint.route("/", methods=["GET", "POST"])
@operator_required
def index() -> ResponseReturnValue:
    """Every tenant, and a form for another."""
    form = TenantForm()
    if form.validate_on_submit():
        try:
            tenant = service.make_tenant(
                _actor(), form.name.data, Navigation(form.screens.data), form.time_zone.data
            )
        except Refused as refusal:
            form.name.errors = [refusal.sentence]
        else:
            db.session.commit()
            flash(f"{tenant.name} is ready. Make its first admin with flask cadence user.", "success")
            return redirect(url_for("operator.index"))
    counted = overview.tenants()
    page = render_template(
        "operators/index.html", form=form, counted=counted, health=overview.health(counted), screens=SCREENS
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/tenants/<int:tenant_id>", methods=["GET", "POST"])
@operator_required
def tenant(tenant_id: int) -> ResponseReturnValue:
    """One tenant: its counts, its name to change, and the switches."""
    found = _tenant(tenant_id)
    form = NameForm(data={"name": found.name})
    if form.validate_on_submit():
        try:
            service.rename(_actor(), found, form.name.data)
        except Refused as refusal:
            form.name.errors = [refusal.sentence]
        else:
            db.session.commit()
            flash("Saved.", "success")
            return redirect(url_for("operator.tenant", tenant_id=found.id))
    page = render_template(
        "operators/tenant.html",
        form=form,
        tenant=found,
        counts=overview.counts_of(found),
        screens=SCREENS,
        other=_other_screens(found),
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/tenants/<int:tenant_id>/suspend")
@operator_required
def suspend(tenant_id: int) -> ResponseReturnValue:
    found = _tenant(tenant_id)
    service.suspend(_actor(), found)
    return _done(found, f"{found.name} is suspended. Texts that come in are still recorded.")


@blueprint.post("/tenants/<int:tenant_id>/resume")
@operator_required
def resume(tenant_id: int) -> ResponseReturnValue:
    found = _tenant(tenant_id)
    service.resume(_actor(), found)
    return _done(found, f"{found.name} is back.")


@blueprint.post("/tenants/<int:tenant_id>/screens")
@operator_required
def screens(tenant_id: int) -> ResponseReturnValue:
    """Moves a tenant to the screens that the form names, lest two presses move it there and back."""
    found = _tenant(tenant_id)
    wanted = request.form.get("screens", str(_other_screens(found)))
    if wanted not in set(Navigation):
        abort(404)
    organisation.set_navigation(_actor(), found, Navigation(wanted))
    return _done(found, f"{found.name} is on the {SCREENS[Navigation(wanted)]}.")


def _actor() -> str:
    """The operator, as the audit log of a tenant names them."""
    return f"{g.operator.name}, operator of the server"


def _done(found: Tenant, said: str) -> ResponseReturnValue:
    db.session.commit()
    flash(said, "success")
    return redirect(url_for("operator.tenant", tenant_id=found.id))


def _tenant(tenant_id: int) -> Tenant:
    return service.tenant_with(tenant_id) or abort(404)


def _other_screens(found: Tenant) -> Navigation:
    return Navigation.LEGACY if screens_of(found) == Navigation.TEAMS else Navigation.TEAMS
