"""The pages of notification e-mails for admins, and the page on which a recipient unsubscribes."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.models import Team
from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.service import all_teams
from cadence_app.extensions import csrf, db, limiter
from cadence_app.notifications import links, service
from cadence_app.notifications.forms import RuleForm
from cadence_app.notifications.models import Event, NotificationRule, Pace

blueprint = Blueprint("notifications", __name__)

EVENT_NAMES = {
    Event.STATUS_CHANGE: "Opt out status change",
    Event.UNKNOWN_CONTACT: "Unknown contact",
    Event.CONTACT_ADDED: "New contact added",
}
EVENT_TEXTS = {
    Event.STATUS_CHANGE: "Somebody opted out or in, by a text of their own or by a user.",
    Event.UNKNOWN_CONTACT: "A number that nobody knows wrote for the first time.",
    Event.CONTACT_ADDED: "A user added somebody by hand.",
}


@blueprint.get("/settings/notifications/")
@admin_required
def index() -> str:
    return render_template(
        "notifications/index.html",
        teams=all_teams(),
        rules=service.all_rules(),
        events=EVENT_NAMES,
        texts=EVENT_TEXTS,
    )


@blueprint.route("/settings/notifications/<int:team_id>/<event_name>", methods=["GET", "POST"])
@admin_required
def edit(team_id: int, event_name: str) -> ResponseReturnValue:
    team = db.session.get(Team, team_id) or abort(404)
    event = next((event for event in Event if event == event_name), None) or abort(404)
    rule = service.find_rule(team.id, event)
    form = RuleForm(data=_at_first(rule))
    if form.validate_on_submit():
        enabled, pace = form.enabled.data, Pace(form.pace.data)
        try:
            service.set_rule(current_user, team, event, enabled, pace, form.addresses)
        except service.Unsubscribed as refused:
            form.emails.errors = [
                f"{', '.join(refused.emails)} unsubscribed. Only they can subscribe again, "
                "with the link in any of these e-mails."
            ]
        else:
            flash(f"Saved for {team.name}.", "success")
            return redirect(url_for("notifications.index"))
    page = render_template(
        "notifications/edit.html",
        team=team,
        title=EVENT_NAMES[event],
        about=EVENT_TEXTS[event],
        form=form,
        left=[each for each in rule.recipients if each.unsubscribed_at] if rule else [],
        digest_hour=service.DIGEST_HOUR,
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/unsubscribe/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("60 per minute")
def unsubscribe(token: str) -> ResponseReturnValue:
    """For whoever holds the link, signed in or not. A GET changes nothing, for mail scanners open links; a
    POST needs no session, for a mail program sends it by itself (RFC 8058, section 3.2)."""
    recipient = links.recipient_of(token) or abort(404)
    rule = service.rule_of(recipient)
    if request.method == "POST":
        if request.form.get("again"):
            service.subscribe_again(recipient)
        else:
            service.unsubscribe(recipient)
    return render_template(
        "notifications/unsubscribe.html",
        recipient=recipient,
        team=rule.team,
        tenant=rule.team.tenant,
        title=EVENT_NAMES[rule.event],
    )


def _at_first(rule: NotificationRule | None) -> dict[str, object] | None:
    """What the form shows before it is sent."""
    if request.method == "POST":
        return None
    if rule is None:
        return {"enabled": True, "emails": "", "pace": Pace.IMMEDIATE}
    emails = "\n".join(each.email for each in rule.reached)
    return {"enabled": rule.enabled, "emails": emails, "pace": rule.pace}
