"""The page of API tokens, and the page to try the API, both for admins in both modes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, abort, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.service import Refused
from cadence_app.api import tokens
from cadence_app.api.document import document
from cadence_app.api.forms import SCOPE_LABELS, TokenForm
from cadence_app.api.models import ApiToken, Scope, Standing
from cadence_app.extensions import db

blueprint = Blueprint("api_screens", __name__)

_LATELY = timedelta(days=7)


@blueprint.route("/settings/api-tokens", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    """The tokens, and a form for another. The answer to the form is the only page that shows the token."""
    form, made, secret = TokenForm(), None, ""
    if form.validate_on_submit():
        scopes = [Scope(name) for name in form.scopes.data]
        try:
            made, secret = tokens.create_token(current_user, form.name.data, scopes, form.days.data)
        except (tokens.NameTaken, Refused) as refusal:
            db.session.rollback()
            taken = "There is, or was, a token of this name. Choose another."
            form.name.errors = [refusal.sentence if isinstance(refusal, Refused) else taken]
        else:
            form = TokenForm(formdata=None)
    listed = tokens.all_tokens()
    page = render_template(
        "api/tokens.html",
        form=form,
        made=made,
        secret=secret,
        tokens=listed,
        still_called=[token for token in listed if _still_called(token)],
        standings=Standing,
        end_words=tokens.END_WORDS,
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
        flash(f"{token.name} has ended. Calls with it are refused from now on.", "success")
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


def _still_called(token: ApiToken) -> bool:
    """Whether something was refused with it lately, as with a token that ended and is still in use."""
    return token.refused_at is not None and token.refused_at > datetime.now(UTC) - _LATELY


def _token(token_id: int) -> ApiToken:
    return tokens.find_token(token_id) or abort(404)
