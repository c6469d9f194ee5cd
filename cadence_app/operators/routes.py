"""The operator's screen: tenants by name and count, and the few switches over them.

Its sign-in has nothing to do with a tenant's: an account of its own, a session key of its own, and no page of
a tenant opens with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from cadence_app.accounts.models import Navigation, Tenant
from cadence_app.accounts.service import Refused
from cadence_app.administration import organisation
from cadence_app.extensions import db, limiter
from cadence_app.operators import overview, service
from cadence_app.operators.forms import NameForm, SignInForm, TenantForm
from cadence_app.ui.navigation import SCREENS

blueprint = Blueprint("operator", __name__, url_prefix="/operator")

_HELD = "operator"

P = ParamSpec("P")
R = TypeVar("R")


def operator_required(view: Callable[P, R]) -> Callable[P, R | ResponseReturnValue]:
    """A signed-in operator, as g.operator: everybody else is asked to sign in as one."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R | ResponseReturnValue:
        g.operator = service.operator_of(session.get(_HELD, ""))
        if g.operator is None:
            return redirect(url_for("operator.sign_in"))
        return view(*args, **kwargs)

    return checked


def _email_tried() -> str:
    email = request.form.get("email", "").strip().lower()
    return f"operator {hashlib.sha256(email.encode(errors='replace')).hexdigest()}"


@blueprint.route("/sign-in", methods=["GET", "POST"])
@limiter.limit("10 per minute", methods=["POST"])
@limiter.limit("5 per minute", methods=["POST"], key_func=_email_tried)
def sign_in() -> ResponseReturnValue:
    form, error = SignInForm(), ""
    if form.validate_on_submit():
        operator = service.sign_in(form.email.data, form.password.data)
        if operator:
            session.clear()
            session.permanent = True
            session[_HELD] = service.session_of(operator, service.session_end())
            db.session.commit()
            current_app.logger.info("operator %s signed in", operator.email)
            return redirect(url_for("operator.index"))
        current_app.logger.warning("an operator's sign-in failed from %s", request.remote_addr)
        error = "That e-mail address and password don't match."
    page = render_template("operators/sign_in.html", form=form, error=error)
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/sign-out")
@operator_required
def sign_out() -> ResponseReturnValue:
    service.sign_out(g.operator)
    db.session.commit()
    session.clear()
    return redirect(url_for("operator.sign_in"))


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
    return Navigation.LEGACY if found.navigation == Navigation.TEAMS else Navigation.TEAMS
