"""Settings > Teams (or Departments)."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select
from wtforms.fields import SelectChoice

from cadence_app.accounts.models import Role, Team, User
from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.service import Refused
from cadence_app.administration import teams
from cadence_app.administration.forms import MembersForm, TeamForm, TextsForm
from cadence_app.consent.keywords import Meaning
from cadence_app.extensions import db
from cadence_app.messaging.auto_replies import MAX_AUTO_REPLY, asks_in, default_text, question
from cadence_app.messaging.encoding import measure
from cadence_app.ui.navigation import words_for

blueprint = Blueprint("teams", __name__, url_prefix="/settings/teams")

_TEXTS = {"opt_out": Meaning.OUT, "opt_in": Meaning.IN, "help_text": Meaning.HELP}


@blueprint.route("/", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    """The teams, and a form for another."""
    form = TeamForm()
    if form.validate_on_submit():
        try:
            team = teams.make_team(current_user, form.name.data, form.code.data)
        except teams.Taken as taken:
            form[taken.field].errors = [str(taken)]
        else:
            db.session.commit()
            flash(f"{team.name} is made. Choose its members next.", "success")
            return redirect(url_for("teams.show", team_id=team.id))
    page = render_template("administration/teams.html", form=form, listed=teams.listed())
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/<int:team_id>", methods=["GET", "POST"])
@admin_required
def show(team_id: int) -> ResponseReturnValue:
    """One team, and the form of its name and code."""
    team = _team(team_id)
    form = TeamForm(obj=team)
    if form.validate_on_submit():
        try:
            teams.rename(current_user, team, form.name.data, form.code.data)
        except teams.Taken as taken:
            db.session.rollback()
            form[taken.field].errors = [str(taken)]
        else:
            db.session.commit()
            flash("Saved. What is in the history already keeps the code it was written with.", "success")
            return redirect(url_for("teams.show", team_id=team_id))
    return _page(_team(team_id), 422 if form.is_submitted() else 200, form=form)


@blueprint.post("/<int:team_id>/members")
@admin_required
def members(team_id: int) -> ResponseReturnValue:
    team = _team(team_id)
    form = _members_form(team)
    if form.validate_on_submit():
        chosen = select(User).where(User.id.in_(form.members.data or []))
        try:
            teams.set_members(current_user, team, db.session.scalars(chosen).all())
        except Refused as refusal:
            form.members.errors = [str(refusal)]
        else:
            db.session.commit()
            flash("The members are saved.", "success")
            return redirect(url_for("teams.show", team_id=team_id))
    return _page(team, 422, members=form)


@blueprint.post("/<int:team_id>/texts")
@admin_required
def texts(team_id: int) -> ResponseReturnValue:
    team = _team(team_id)
    form = TextsForm()
    if form.validate_on_submit():
        teams.set_texts(current_user, team, form.opt_out.data, form.opt_in.data, form.help_text.data)
        db.session.commit()
        flash("The automatic texts are saved.", "success")
        return redirect(url_for("teams.show", team_id=team_id))
    return _page(team, 422, texts=form)


@blueprint.route("/<int:team_id>/close", methods=["GET", "POST"])
@admin_required
def close(team_id: int) -> ResponseReturnValue:
    """Asks once."""
    team, problem = _team(team_id), ""
    if request.method == "POST":
        try:
            teams.close(current_user, team)
        except Refused as refusal:
            problem = str(refusal)
        else:
            db.session.commit()
            flash(f"{team.name} is closed. Its history stays.", "success")
            return redirect(url_for("teams.index"))
    words = words_for(current_user)
    page = render_template(
        "administration/confirm.html",
        title=f"Close {team.name}?",
        crumbs=[(words.Teams, url_for("teams.index")), (team.name, url_for("teams.show", team_id=team.id))],
        warning=f"Nobody can be added to a closed {words.team} and it gets no inbox. Its history, its "
        "contacts' statuses and its figures in reports stay, and it can be reopened.",
        problem=problem,
        button="Close it",
        icon_name="lock",
        back=url_for("teams.show", team_id=team.id),
    )
    return page, 422 if problem else 200


@blueprint.post("/<int:team_id>/reopen")
@admin_required
def reopen(team_id: int) -> ResponseReturnValue:
    team = _team(team_id)
    teams.reopen(current_user, team)
    db.session.commit()
    flash(f"{team.name} is open again.", "success")
    return redirect(url_for("teams.show", team_id=team_id))


def _page(
    team: Team,
    status: int,
    form: TeamForm | None = None,
    members: MembersForm | None = None,
    texts: TextsForm | None = None,
) -> ResponseReturnValue:
    """The page of a team, with the form that was sent and the others as things stand."""
    stored = {"opt_out": team.opt_out_text, "opt_in": team.opt_in_text, "help_text": team.help_text}
    shown = texts or TextsForm(formdata=None, data=stored)
    added = question(team) if asks_in(team) else ""
    sent = {name: shown[name].data or default_text(team, _TEXTS[name]) for name in _TEXTS}
    if added:
        sent["opt_out"] += f" {added}"
    page = render_template(
        "administration/team.html",
        team=team,
        form=form or TeamForm(formdata=None, obj=team),
        members=members or _members_form(team, formdata=None),
        texts=shown,
        defaults={name: default_text(team, meaning) for name, meaning in _TEXTS.items()},
        measured={name: measure(text) for name, text in sent.items()},
        added=added,
        max_length=MAX_AUTO_REPLY,
    )
    return page, status


def _members_form(team: Team, **options: None) -> MembersForm:
    """The active users who can work in a team, and whoever else is in it."""
    working = select(User).where(User.active, User.role != Role.AUDITOR).order_by(User.name, User.id)
    known = db.session.scalars(select(User).where(User.teams.any(Team.id == team.id))).all()
    form = MembersForm(**options, data={"members": [user.id for user in known]})
    people = {user.id: user for user in (*db.session.scalars(working), *known)}
    form.members.choices = [SelectChoice(user.id, f"{user.name} ({user.email})") for user in people.values()]
    return form


def _team(team_id: int) -> Team:
    return teams.find_team(team_id) or abort(404)
