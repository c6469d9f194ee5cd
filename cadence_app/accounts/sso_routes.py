"""Signing in at the organisation's own provider."""

from __future__ import annotations

import hmac
import time

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts import single_sign_on
from cadence_app.accounts.forms import EmailForm
from cadence_app.accounts.oidc import Failed, Pending
from cadence_app.accounts.requests import begin_session, next_page
from cadence_app.accounts.sign_in_models import Method
from cadence_app.extensions import db, limiter
from cadence_app.tenancy import use_tenant
from cadence_app.vault import Unreadable

blueprint = Blueprint("single_sign_on", __name__)

_KEY = "single_sign_on"
_SECONDS = 900
_BROKEN = "Your organization's sign-in can't be reached as it is set up. Tell an admin."


@blueprint.route("/login/sso", methods=["GET", "POST"])
@limiter.limit("30 per minute", methods=["POST"])
def start() -> ResponseReturnValue:
    """Asks for the address, and leads on to the provider of its domain.

    The page goes there by itself rather than by a redirect: a browser holds a form's redirects to the
    Content-Security-Policy's form-action, which names this site alone.
    """
    if current_user.is_authenticated:
        return redirect(url_for("accounts.home"))
    form = EmailForm(data={"email": request.args.get("email", "")})
    if form.validate_on_submit():
        sso = single_sign_on.of_email(form.email.data)
        if sso is None:
            form.email.errors = ["No organization here has single sign-on for that address."]
        else:
            try:
                url, pending = single_sign_on.client(sso).begin(callback_url(), form.email.data.strip())
            except (Failed, Unreadable) as failure:
                current_app.logger.warning("single sign-on of tenant %s: %s", sso.tenant_id, failure)
                return _refused(_BROKEN), 502
            session[_KEY] = [
                sso.tenant_id,
                int(time.time()),
                pending.stored(),
                request.args.get("next") or "",
            ]
            return render_template("accounts/sso_leave.html", url=url, tenant=sso.tenant)
    page = render_template("accounts/sso.html", form=form)
    return page, 422 if form.is_submitted() else 200


@blueprint.get("/login/sso/callback")
@limiter.limit("30 per minute")
def callback() -> ResponseReturnValue:
    """Where the provider sends the person back to, once for each time they left."""
    tenant_id, began, stored, wanted = session.pop(_KEY, None) or [0, 0, {}, ""]
    state = request.args.get("state", "")
    if began < time.time() - _SECONDS or not hmac.compare_digest(
        stored.get("state", "").encode(), state.encode(errors="replace")
    ):
        return _refused("That sign-in took too long or was begun elsewhere. Start again."), 400
    use_tenant(tenant_id)
    sso = single_sign_on.of_tenant()
    if sso is None:
        return _refused("Single sign-on was turned off meanwhile."), 403
    if any(len(request.args.getlist(name)) > 1 for name in ("code", "state", "iss")):
        # RFC 6749, section 3.1: never twice, for then each reads another one.
        return _refused("What your organization's sign-in answered can't be trusted. Tell an admin."), 403
    if "code" not in request.args:
        return _refused("Your organization's sign-in did not let you in."), 403
    try:
        code, iss = request.args["code"], request.args.get("iss")
        identity = single_sign_on.client(sso).finish(callback_url(), Pending(**stored), code, iss)
        user = single_sign_on.let_in(sso, identity)
    except (Failed, Unreadable) as failure:
        current_app.logger.warning("single sign-on of tenant %s: %s", tenant_id, failure)
        return _refused("What your organization's sign-in answered can't be trusted. Tell an admin."), 403
    except single_sign_on.NotLetIn as refusal:
        db.session.rollback()
        return _refused(str(refusal)), 403
    begin_session(user, Method.SINGLE_SIGN_ON)
    return redirect(next_page(wanted))


def callback_url() -> str:
    """The redirect URI to register at the provider."""
    return f"{current_app.config['PUBLIC_URL']}{url_for('single_sign_on.callback')}"


def _refused(why: str) -> str:
    return render_template("accounts/sso_refused.html", why=why)
