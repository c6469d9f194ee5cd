"""Settings > Organisation: the name, the time zone and the rules of opting out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, has_request_context, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.models import KeywordPolicy, PossibleOptOutPolicy, SecondFactorPolicy, Tenant
from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.service import Refused
from cadence_app.administration import organisation
from cadence_app.administration.forms import BasicsForm, NoticesForm, PolicyForm, SigningInForm
from cadence_app.administration.policy_notices import NOTICES
from cadence_app.consent.keyword_scope import LOOK_BACK, coming, reach
from cadence_app.extensions import db
from cadence_app.reports.ranges import today, utc_bounds
from cadence_app.ui.navigation import words_for

blueprint = Blueprint("organisation", __name__, url_prefix="/settings/organisation")


@blueprint.app_context_processor
def _coming() -> dict[str, Any]:
    """What administration/_coming.html shows admins. The page of a crash must do without the database."""
    shown = has_request_context() and not g.get("crashed")
    admin = shown and current_user.is_authenticated and current_user.is_admin
    return {"coming_policy": coming(current_user.tenant) if admin else None}


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
            form.ask_team_only.data,
        )
        if organisation.changes_reach(tenant, wanted) and not form.seen.data:
            return _review(tenant, form, wanted)
        try:
            organisation.set_policy(current_user, tenant, wanted)
        except Refused as refusal:
            db.session.rollback()
            form.ask_team_only.errors = [str(refusal)]
        else:
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


@blueprint.post("/notices")
@admin_required
def notices() -> ResponseReturnValue:
    form = NoticesForm()
    if form.validate_on_submit():
        organisation.set_notices(current_user, current_user.tenant, form.notices_name.data)
        db.session.commit()
        flash("What notices say is saved.", "success")
    return redirect(url_for("organisation.index"))


def _review(tenant: Tenant, form: PolicyForm, wanted: organisation.Policy) -> str:
    """Shows what another reach of opt-out words means, and asks once."""
    begins, day = wanted.begins_on, today(tenant.zone)
    return render_template(
        "administration/keyword_policy.html",
        form=form,
        everywhere=wanted.keywords == KeywordPolicy.ORGANISATION,
        begins=begins if begins and begins > day else None,
        bounds=utc_bounds(begins, begins, tenant.zone) if begins else None,
        reach=reach(),
        days=LOOK_BACK.days,
        notices=[notice for notice in NOTICES if notice and begins and (begins - day).days >= notice],
    )


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
        "ask_team_only": tenant.ask_team_only,
    }
    day = today(tenant.zone)
    page = render_template(
        "administration/organisation.html",
        form=form or BasicsForm(formdata=None, obj=tenant),
        policy=policy or PolicyForm(words_for(current_user), formdata=None, data=stored),
        day=day,
        bounds=utc_bounds(day, day, tenant.zone),
        notices=NoticesForm(formdata=None, data={"notices_name": tenant.notices_name}),
        signing_in=signing_in or SigningInForm(formdata=None, data={"second_factor": tenant.second_factor}),
    )
    return page, status
