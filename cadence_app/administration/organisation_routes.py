"""Settings > Organisation: the name, the time zone and the rules of opting out."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.models import KeywordPolicy, PossibleOptOutPolicy, SecondFactorPolicy, Tenant
from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.service import Refused
from cadence_app.administration import organisation
from cadence_app.administration.forms import BasicsForm, PolicyForm, SigningInForm
from cadence_app.extensions import db
from cadence_app.reports.ranges import today, utc_bounds
from cadence_app.ui.navigation import words_for

blueprint = Blueprint("organisation", __name__, url_prefix="/settings/organisation")


@blueprint.route("/", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    tenant = current_user.tenant
    form = BasicsForm(obj=tenant)
    if form.validate_on_submit():
        try:
            organisation.set_basics(current_user, tenant, form.name.data, form.time_zone.data)
        except Refused as refusal:
            form.name.errors = [str(refusal)]
        else:
            db.session.commit()
            flash("Saved.", "success")
            return redirect(url_for("organisation.index"))
    return _page(tenant, 422 if form.is_submitted() else 200, form=form)


@blueprint.post("/opting-out")
@admin_required
def policy() -> ResponseReturnValue:
    tenant = current_user.tenant
    form = PolicyForm(words_for(current_user))
    if form.validate_on_submit():
        wanted = organisation.Policy(
            KeywordPolicy(form.keyword_policy.data),
            form.begins.data,
            PossibleOptOutPolicy(form.possible.data),
        )
        organisation.set_policy(current_user, tenant, wanted)
        db.session.commit()
        flash("The rules of opting out are saved.", "success")
        return redirect(url_for("organisation.index"))
    return _page(tenant, 422, policy=form)


@blueprint.post("/signing-in")
@admin_required
def signing_in() -> ResponseReturnValue:
    tenant, form = current_user.tenant, SigningInForm()
    if form.validate_on_submit():
        organisation.set_second_factor(current_user, tenant, SecondFactorPolicy(form.second_factor.data))
        db.session.commit()
        flash("The rule for signing in is saved.", "success")
        return redirect(url_for("organisation.index"))
    return _page(tenant, 422, signing_in=form)


def _page(
    tenant: Tenant,
    status: int,
    form: BasicsForm | None = None,
    policy: PolicyForm | None = None,
    signing_in: SigningInForm | None = None,
) -> ResponseReturnValue:
    """The page, with the form that was sent and the others as things stand."""
    stored = {
        "keyword_policy": tenant.keyword_policy,
        "begins": tenant.keyword_policy_from,
        "possible": tenant.possible_opt_out_policy,
    }
    day = today(tenant.zone)
    page = render_template(
        "administration/organisation.html",
        form=form or BasicsForm(formdata=None, obj=tenant),
        policy=policy or PolicyForm(words_for(current_user), formdata=None, data=stored),
        day=day,
        bounds=utc_bounds(day, day, tenant.zone),
        signing_in=signing_in or SigningInForm(formdata=None, data={"second_factor": tenant.second_factor}),
    )
    return page, status
