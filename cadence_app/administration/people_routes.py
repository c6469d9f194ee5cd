"""Settings > Users."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts import audit, invitations, passwords, second_factor, tries
from cadence_app.accounts.models import Role, Team, User
from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.service import Refused, account_of, all_teams
from cadence_app.accounts.tries import Kind
from cadence_app.administration import inboxes, leaving, people
from cadence_app.administration.people_forms import EditForm, InviteForm
from cadence_app.administration.teams import open_teams
from cadence_app.extensions import db
from cadence_app.standing import service as standing
from cadence_app.standing.choosing import chosen, context
from cadence_app.ui import query_values
from cadence_app.ui.navigation import words_for

blueprint = Blueprint("people", __name__, url_prefix="/settings/users")


@blueprint.get("/")
@admin_required
def index() -> str:
    """The users that the address asks for."""
    args = request.args
    wanted = people.Asked(
        search=query_values.text(args, "q"),
        state=args.get("state", "") if args.get("state") in set(people.State) else "",
        role=args.get("role", "") if args.get("role") in set(Role) else "",
        team_id=query_values.row_id(args, "team"),
    )
    page_number = query_values.page(args)
    listed, total = people.find_users(wanted, page_number)
    return render_template(
        "administration/users.html",
        listed=listed,
        total=total,
        asked=wanted,
        page_number=page_number,
        more=total > page_number * people.PAGE,
        state_of=people.state_of,
        states=people.State,
        roles=Role,
        teams=all_teams(),
    )


@blueprint.route("/invite", methods=["GET", "POST"])
@admin_required
def invite() -> ResponseReturnValue:
    form = InviteForm(words_for(current_user), open_teams())
    if not form.is_submitted():
        form.role.data = str(Role.AGENT)
    if form.validate_on_submit():
        teams = [] if form.chosen_role == Role.AUDITOR else form.chosen_teams
        try:
            user = invitations.invite(current_user, form.email.data, form.name.data, form.chosen_role, teams)
        except Refused as refusal:
            db.session.rollback()
            form.email.errors = [refusal.sentence]
        else:
            db.session.commit()
            flash(f"The invitation is on its way to {user.email}.", "success")
            return redirect(url_for("people.index"))
    page = render_template("administration/invite.html", form=form)
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/<int:user_id>", methods=["GET", "POST"])
@admin_required
def edit(user_id: int) -> ResponseReturnValue:
    user = _user(user_id)
    stored = {
        "name": user.name,
        "role": user.role,
        "teams": [team.id for team in user.teams],
        "time_zone": user.time_zone or "",
    }
    form = EditForm(words_for(current_user), _offered_teams(user), data=stored)
    errands, takers, undecided = standing.errands_of(user), standing.heirs(user), False
    if form.validate_on_submit():
        try:
            people.edit(
                current_user,
                user,
                form.name.data,
                form.chosen_role,
                form.chosen_teams,
                form.time_zone.data or None,
                chosen(errands, takers, request.form),
            )
        except Refused as refusal:
            db.session.rollback()
            form.role.errors = [refusal.sentence]
            undecided = form.chosen_role != Role.ADMIN
        else:
            db.session.commit()
            flash(f"{user.name} is saved.", "success")
            return redirect(url_for("people.edit", user_id=user_id))
    page = render_template(
        "administration/user.html",
        form=form,
        user=user,
        state=people.state_of(user),
        states=people.State,
        **context(standing.errands_of(user) if undecided else [], takers),
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/<int:user_id>/deactivate", methods=["GET", "POST"])
@admin_required
def deactivate(user_id: int) -> ResponseReturnValue:
    """Asks once, and what becomes of each personal inbox, API token and schedule."""
    user, problem = _user(user_id), ""
    owned = leaving.owned_by(user)
    heirs = {
        inbox.id: [heir for heir in inboxes.possible_owners(inbox.team) if heir.id != user.id]
        for inbox in owned.inboxes
    }
    takers = standing.heirs(user)
    if request.method == "POST":
        choices = chosen(owned.errands, takers, request.form)
        try:
            leaving.deactivate(current_user, user, _chosen_heirs(heirs), choices)
        except Refused as refusal:
            db.session.rollback()
            problem = refusal.sentence
        else:
            db.session.commit()
            flash(f"{user.name or user.email} can't sign in any more.", "success")
            return redirect(url_for("people.index"))
    page = render_template(
        "administration/deactivate.html",
        user=user,
        owned=owned,
        heirs=heirs,
        problem=problem,
        **context(standing.errands_of(user), takers),
    )
    return page, 422 if problem else 200


@blueprint.post("/<int:user_id>/reactivate")
@admin_required
def reactivate(user_id: int) -> ResponseReturnValue:
    user = _user(user_id)
    return _done(user, lambda: people.reactivate(current_user, user), f"{user.name} can sign in again.")


@blueprint.post("/<int:user_id>/resend")
@admin_required
def resend(user_id: int) -> ResponseReturnValue:
    user = _user(user_id)
    said = f"The invitation is on its way to {user.email} again."
    return _done(user, lambda: invitations.resend(current_user, user), said)


@blueprint.post("/<int:user_id>/reset-link")
@admin_required
def reset_link(user_id: int) -> ResponseReturnValue:
    """Mails the user a link to set a new password; nobody else sees it."""
    user = _user(user_id)
    audit.record(current_user, "user.reset_link_sent", user.email)
    said = f"If {user.email} signs in with a password, a link to set a new one is on its way there."
    return _done(user, lambda: _send_reset_link(user), said)


@blueprint.post("/<int:user_id>/reset-second-factor")
@admin_required
def reset_second_factor(user_id: int) -> ResponseReturnValue:
    user = _user(user_id)
    said = f"{user.name} signs in without a second factor until they set up a new one."
    return _done(user, lambda: second_factor.reset(current_user, user), said)


def _send_reset_link(user: User) -> None:
    tries.begin((Kind.MAIL, account_of(user)))
    passwords.send_reset_link(user)


def _done(user: User, change: Callable[[], object], said: str) -> ResponseReturnValue:
    """Makes a change and commits it, or says why not; then the user's page."""
    user_id = user.id
    try:
        change()
    except Refused as refusal:
        db.session.rollback()
        flash(refusal.sentence, "error")
    else:
        db.session.commit()
        flash(said, "success")
    return redirect(url_for("people.edit", user_id=user_id))


def _chosen_heirs(heirs: Mapping[int, list[User]]) -> dict[int, User | None]:
    """What the form says of each inbox: a user of the list, or None to close it; left out where neither."""
    chosen: dict[int, User | None] = {}
    for inbox_id, users in heirs.items():
        wanted = request.form.get(f"inbox-{inbox_id}", "")
        if wanted == "close":
            chosen[inbox_id] = None
        for user in users:
            if str(user.id) == wanted:
                chosen[inbox_id] = user
    return chosen


def _offered_teams(user: User) -> list[Team]:
    """The open teams, and the closed ones that the user is in."""
    return sorted({*open_teams(), *user.teams}, key=lambda team: team.name)


def _user(user_id: int) -> User:
    return people.find_user(user_id) or abort(404)
