"""The page of keywords, for admins: the built-in ones, the organisation's own, and a text to try."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.service import all_teams
from cadence_app.consent import keywords, own_keywords
from cadence_app.consent.keywords import Meaning
from cadence_app.extensions import db
from cadence_app.messaging.auto_replies import MAX_AUTO_REPLY
from cadence_app.messaging.keyword_forms import EVERYBODY, MEANING_NAMES, KeywordForm, TryForm
from cadence_app.messaging.keyword_trial import try_text

blueprint = Blueprint("keywords", __name__, url_prefix="/settings/keywords")


@blueprint.route("/", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    teams = all_teams()
    form = KeywordForm()
    form.offer(teams)
    if form.validate_on_submit():
        team = next((team for team in teams if str(team.id) == form.team.data), None)
        try:
            own_keywords.add_keyword(
                current_user, form.word.data, Meaning(form.meaning.data), team, form.answer.data or ""
            )
        except ValueError as refusal:
            db.session.rollback()
            form.word.errors = [str(refusal)]
        else:
            db.session.commit()
            flash(f"{form.word.data} is a keyword now.", "success")
            return redirect(url_for("keywords.index"))
    tried = TryForm(request.args if "text" in request.args else None)
    tried.offer(teams)
    outcome = None
    if "text" in request.args and teams and tried.validate():
        team = next(team for team in teams if str(team.id) == tried.to.data)
        outcome = try_text(team, tried.text.data, tried.opted_out.data, tried.personal.data)
    page = render_template(
        "messaging/keywords.html",
        form=form,
        tried=tried,
        outcome=outcome,
        own=own_keywords.all_keywords(),
        team_names={team.id: team.name for team in teams},
        meanings=MEANING_NAMES,
        built_in=_built_in(),
        everybody=EVERYBODY,
        max_answer=MAX_AUTO_REPLY,
    )
    return page, 422 if form.is_submitted() or tried.errors else 200


@blueprint.post("/<int:keyword_id>/remove")
@admin_required
def remove(keyword_id: int) -> ResponseReturnValue:
    keyword = own_keywords.find_keyword(keyword_id) or abort(404)
    word = keyword.word
    own_keywords.remove_keyword(current_user, keyword)
    flash(f"{word} is no keyword any more. What it did stays in the history.", "success")
    return redirect(url_for("keywords.index"))


def _built_in() -> dict[Meaning, list[str]]:
    return {
        meaning: [word.upper() for word, means in keywords.BUILT_IN.items() if means == meaning]
        for meaning in MEANING_NAMES
    }
