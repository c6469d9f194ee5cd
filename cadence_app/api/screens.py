"""The page of API tokens, and the page to try the API, both for admins in both modes."""

from __future__ import annotations

from flask import Blueprint, abort, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.api import tokens
from cadence_app.api.document import document
from cadence_app.api.forms import SCOPE_LABELS, TokenForm
from cadence_app.api.models import ApiToken, Scope

blueprint = Blueprint("api_screens", __name__)


@blueprint.route("/settings/api-tokens", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    """The tokens, and a form for another. The answer to the form is the only page that shows the token."""
    form, made, secret = TokenForm(), None, ""
    if form.validate_on_submit():
        scopes = [Scope(name) for name in form.scopes.data]
        try:
            made, secret = tokens.create_token(current_user, form.name.data, scopes, form.last_day.data)
        except tokens.NameTaken:
            form.name.errors = ["There is, or was, a token of this name. Choose another."]
        else:
            form = TokenForm(formdata=None)
    page = render_template(
        "api/tokens.html",
        form=form,
        made=made,
        secret=secret,
        tokens=tokens.all_tokens(),
        scope_labels=SCOPE_LABELS,
        failed=form.is_submitted() and made is None,
    )
    return page, 422 if form.is_submitted() and made is None else 200


@blueprint.route("/settings/api-tokens/<int:token_id>/revoke", methods=["GET", "POST"])
@admin_required
def revoke(token_id: int) -> ResponseReturnValue:
    token = _token(token_id)
    form = TokenForm()
    if form.is_submitted():
        tokens.revoke(current_user, token)
        flash(f"{token.name} is revoked. Calls with it are refused from now on.", "success")
        return redirect(url_for("api_screens.index"))
    if token.revoked_at:
        return redirect(url_for("api_screens.index"))
    return render_template("api/revoke.html", token=token, form=form)


@blueprint.get("/api/v1/openapi.json")
def openapi() -> ResponseReturnValue:
    """The document: open to all, as it holds nothing of anybody's."""
    return make_response(document())


@blueprint.get("/api/v1/docs")
@admin_required
def docs() -> str:
    return render_template("api/docs.html")


def _token(token_id: int) -> ApiToken:
    return tokens.find_token(token_id) or abort(404)
