"""Settings > Single sign-on."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms import BooleanField

from cadence_app.accounts import single_sign_on
from cadence_app.accounts.forms import SingleSignOnForm
from cadence_app.accounts.guarded_http import Unreachable, require_address
from cadence_app.accounts.oidc import Failed
from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.sign_in_models import SingleSignOn
from cadence_app.accounts.single_sign_on import DomainTaken, Settings
from cadence_app.accounts.sso_routes import callback_url
from cadence_app.extensions import limiter
from cadence_app.vault import Unreadable

blueprint = Blueprint("single_sign_on_settings", __name__)


class _Form(SingleSignOnForm):
    passwords_allowed = BooleanField("Passwords still sign in too")
    creates_users = BooleanField("Whoever the provider lets in becomes a user")


@blueprint.route("/settings/single-sign-on", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    found = single_sign_on.of_tenant()
    form = _Form(data=_shown(found))
    if form.validate_on_submit() and _fits(form, found):
        settings = Settings(
            issuer=form.issuer.data,
            client_id=form.client_id.data,
            secret=form.client_secret.data or None,
            domains=form.domain_list,
            passwords_allowed=form.passwords_allowed.data,
            creates_users=form.creates_users.data,
        )
        try:
            single_sign_on.save(current_user, settings)
        except DomainTaken as taken:
            form.domains.errors = [
                f"Another organisation here uses {taken}. Whoever runs this Cadence can allow it."
            ]
        else:
            flash("Single sign-on is saved. Test it before you tell anybody.", "success")
            return redirect(url_for("single_sign_on_settings.index"))
    page = render_template(
        "settings/single_sign_on.html", form=form, found=found, callback_url=callback_url()
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/settings/single-sign-on/test")
@admin_required
@limiter.limit("20 per minute")
def test() -> ResponseReturnValue:
    """Asks the provider for what it says of itself, and for its keys."""
    found = single_sign_on.of_tenant()
    if found:
        try:
            single_sign_on.client(found).test()
        except (Failed, Unreadable) as failure:
            flash(f"The test failed. {failure}", "error")
        else:
            flash("The provider answers as it must. Sign in through it to try the rest.", "success")
    return redirect(url_for("single_sign_on_settings.index"))


@blueprint.post("/settings/single-sign-on/remove")
@admin_required
def remove() -> ResponseReturnValue:
    single_sign_on.remove(current_user)
    flash("Single sign-on is off. Everybody signs in with a password.", "success")
    return redirect(url_for("single_sign_on_settings.index"))


def _shown(found: SingleSignOn | None) -> dict[str, object]:
    if found is None:
        return {"passwords_allowed": True}
    return {
        "issuer": found.issuer,
        "client_id": found.client_id,
        "domains": ", ".join(single_sign_on.domains()),
        "passwords_allowed": found.passwords_allowed,
        "creates_users": found.creates_users,
    }


def _fits(form: SingleSignOnForm, found: SingleSignOn | None) -> bool:
    """What only the stored settings and this installation's can tell; what is wrong is said at its field."""
    try:
        require_address(form.issuer.data, current_app.config["SSO_LOOPBACK"])
    except Unreachable as refusal:
        form.issuer.errors = [str(refusal)]
    if form.client_secret.data:
        return not form.issuer.errors
    if found is None:
        form.client_secret.errors = ["Enter the client secret."]
    elif found.issuer != form.issuer.data:
        # Or an admin could have the secret sent to a server of their own.
        form.client_secret.errors = ["Another issuer needs its own secret. Enter it."]
    return not (form.issuer.errors or form.client_secret.errors)
