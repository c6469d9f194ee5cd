"""The pages of campaigns, the same in both modes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.models import User
from cadence_app.accounts.requests import asks_by_itself
from cadence_app.accounts.roles import desk_required
from cadence_app.campaigns import checklist, claiming, jobs, reasons, recipients, results, service, trial
from cadence_app.campaigns.forms import CampaignForm, SendForm, imports_of
from cadence_app.campaigns.models import Campaign, CampaignState, Reason
from cadence_app.campaigns.segments import Segment
from cadence_app.contacts import selecting
from cadence_app.contacts.models import Contact
from cadence_app.contacts.press_models import Action
from cadence_app.messaging import encoding, text_templates
from cadence_app.messaging.carriers import gaps
from cadence_app.messaging.jobs import dispatch
from cadence_app.messaging.merge_fields import UnknownField, tenant_fields
from cadence_app.messaging.quiet_hours import hours_of
from cadence_app.messaging.sending import MAX_BODY_LENGTH
from cadence_app.phone_numbers import BadNumber
from cadence_app.ui import query_values
from cadence_app.ui.navigation import words_of

blueprint = Blueprint("campaigns", __name__, url_prefix="/campaigns")


@blueprint.get("/")
@desk_required
def index() -> str:
    page = query_values.page(request.args)
    campaigns, more = service.campaigns_of(current_user, page)
    return render_template(
        "campaigns/index.html",
        campaigns=campaigns,
        progress=results.progress_of([campaign.id for campaign in campaigns]),
        more=more,
        page_number=page,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@desk_required
def new() -> ResponseReturnValue:
    if request.method == "POST":
        return _save(None, CampaignForm())
    wanted = query_values.row_id(request.args, "template")
    template = text_templates.find(current_user, wanted) if wanted else None
    form = CampaignForm(body=template.body if template else "")
    form.choose_import(query_values.row_id(request.args, "import"))
    chosen = selecting.find(current_user, query_values.row_id(request.args, "chosen"))
    if chosen and chosen.action == Action.TEXT:
        form.choose_people(chosen.contact_ids)
    return _form(None, form)


@blueprint.route("/<int:campaign_id>/edit", methods=["GET", "POST"])
@desk_required
def edit(campaign_id: int) -> ResponseReturnValue:
    campaign = _campaign(campaign_id)
    if not campaign.editable:
        flash("This campaign has begun, so it can't be changed.", "warning")
        return redirect(url_for("campaigns.show", campaign_id=campaign.id))
    segment = Segment.of(campaign.segment)
    if request.method == "POST":
        return _save(campaign, CampaignForm(kept_imports=imports_of(segment)))
    return _form(campaign, CampaignForm.of(campaign.name, campaign.inbox_id, campaign.body, segment))


@blueprint.post("/preview")
@desk_required
def preview() -> str:
    """The text being written, as the first few who would get it would read it."""
    form = CampaignForm()
    return render_template("campaigns/_texts.html", texts=_texts(form.body.data or "", form.some_contacts()))


@blueprint.post("/count")
@desk_required
def count() -> str:
    """How many those chosen so far are, while somebody chooses."""
    form = CampaignForm()
    found = recipients.count(form.inbox, form.segment) if form.has_choice() and form.inbox else None
    return render_template("campaigns/_count.html", found=found)


@blueprint.get("/<int:campaign_id>")
@desk_required
def show(campaign_id: int) -> str:
    campaign = _campaign(campaign_id)
    if not campaign.editable:
        return _progress(campaign)
    return _review(campaign, _send_form(campaign))


@blueprint.get("/<int:campaign_id>/progress")
@asks_by_itself
@desk_required
def progress(campaign_id: int) -> ResponseReturnValue:
    """How far it is, for a page that keeps it fresh; the whole page once it is over."""
    campaign = _campaign(campaign_id)
    if campaign.state not in (CampaignState.SENDING, CampaignState.PAUSED):
        return "", 200, {"HX-Refresh": "true"}
    return render_template("campaigns/_progress.html", **_standing(campaign))


@blueprint.post("/<int:campaign_id>/send")
@desk_required
def send(campaign_id: int) -> ResponseReturnValue:
    campaign, form = _campaign(campaign_id), SendForm()
    if campaign.editable and not form.validate_on_submit():
        return _review(campaign, form), 422
    try:
        if form.when.data == "later":
            service.schedule(current_user, campaign, form.send_at.instant)
            return redirect(url_for("campaigns.show", campaign_id=campaign.id))
        service.send_now(current_user, campaign)
    except service.Refused as refused:
        flash(str(refused), "warning")
        return redirect(url_for("campaigns.show", campaign_id=campaign_id))
    return _queued(campaign)


@blueprint.post("/<int:campaign_id>/test")
@desk_required
def send_test(campaign_id: int) -> ResponseReturnValue:
    """Sends its text to one's own phone."""
    campaign = _campaign(campaign_id)
    if not campaign.editable:
        return redirect(url_for("campaigns.show", campaign_id=campaign_id))
    number = query_values.text(request.form, "number")
    try:
        message = trial.send(current_user, campaign, number)
    except (trial.CannotTry, BadNumber) as problem:
        return _review(_campaign(campaign_id), _send_form(campaign), tried=(number, str(problem))), 422
    dispatch(message.id)
    flash("The test text is on its way.", "success")
    return redirect(url_for("campaigns.show", campaign_id=campaign_id))


@blueprint.post("/<int:campaign_id>/pause")
@desk_required
def pause(campaign_id: int) -> ResponseReturnValue:
    return _done(service.pause, campaign_id)


@blueprint.post("/<int:campaign_id>/resume")
@desk_required
def resume(campaign_id: int) -> ResponseReturnValue:
    return _done(service.resume, campaign_id)


@blueprint.post("/<int:campaign_id>/cancel")
@desk_required
def cancel(campaign_id: int) -> ResponseReturnValue:
    return _done(service.cancel, campaign_id)


@blueprint.post("/<int:campaign_id>/delete")
@desk_required
def delete(campaign_id: int) -> ResponseReturnValue:
    campaign = _campaign(campaign_id)
    name = campaign.name
    try:
        service.discard(campaign)
    except service.Refused as refused:
        flash(str(refused), "warning")
        return redirect(url_for("campaigns.show", campaign_id=campaign_id))
    flash(f"{name} is deleted.", "success")
    return redirect(url_for("campaigns.index"))


def _done(act: Callable[[User, Campaign], None], campaign_id: int) -> ResponseReturnValue:
    campaign = _campaign(campaign_id)
    try:
        act(current_user, campaign)
    except service.Refused as refused:
        flash(str(refused), "warning")
        return redirect(url_for("campaigns.show", campaign_id=campaign_id))
    return _queued(campaign)


def _queued(campaign: Campaign) -> ResponseReturnValue:
    """The campaign's page, after its worker was told."""
    if campaign.wake_at and not jobs.dispatch(campaign.tenant_id, campaign.id):
        flash("The queue is out of reach just now; it goes on when that is back.", "warning")
    return redirect(url_for("campaigns.show", campaign_id=campaign.id))


def _save(campaign: Campaign | None, form: CampaignForm) -> ResponseReturnValue:
    if "find" in request.form:
        return _form(campaign, form)
    if not form.validate_on_submit() or form.inbox is None:
        return _form(campaign, form), 422
    try:
        saved = service.save(current_user, campaign, form.inbox, form.name.data, form.body.data, form.segment)
    except service.Refused as refused:
        flash(str(refused), "warning")
        return redirect(url_for("campaigns.index"))
    return redirect(url_for("campaigns.show", campaign_id=saved.id))


def _form(campaign: Campaign | None, form: CampaignForm) -> str:
    return render_template(
        "campaigns/form.html",
        campaign=campaign,
        form=form,
        picked=form.picked_contacts(),
        found=form.found_contacts(),
        fields=tenant_fields().names,
        templates=text_templates.templates_of(current_user),
        max_length=MAX_BODY_LENGTH,
    )


def _send_form(campaign: Campaign) -> SendForm:
    set_for = campaign.send_at and campaign.send_at.astimezone(current_user.zone).replace(tzinfo=None)
    return SendForm(formdata=None, when="later" if set_for else "now", send_at=set_for)


def _review(campaign: Campaign, form: SendForm, tried: tuple[str, str] = ("", "")) -> str:
    """`tried`: the number of a test text that was not sent, and why."""
    hours = hours_of(current_user.tenant)
    moment = campaign.send_at or datetime.now(UTC)
    return render_template(
        "campaigns/review.html",
        campaign=campaign,
        form=form,
        hours=hours,
        preview=recipients.preview(campaign, hours, moment),
        texts=_texts(campaign.body, recipients.sample(campaign)),
        measured=encoding.measure(campaign.body),
        merged=tenant_fields().used(campaign.body),
        reasons=_reasons(campaign),
        checks=checklist.of(campaign),
        own_number=tried[0],
        test_problem=tried[1],
    )


def _progress(campaign: Campaign) -> str:
    return render_template(
        "campaigns/progress.html",
        **_standing(campaign),
        left_out=recipients.preview(campaign, hours_of(current_user.tenant), datetime.now(UTC)).left_out,
        reasons=_reasons(campaign),
        texts=_texts(campaign.body, recipients.sample(campaign)),
    )


def _reasons(campaign: Campaign) -> dict[Reason, str]:
    return reasons.words_of(campaign, words_of(current_user.tenant).team)


def _standing(campaign: Campaign) -> dict[str, object]:
    """What the part of the page that is kept fresh shows. `asleep` until the time given: nobody who waits may
    be texted just now."""
    resting = campaign.wake_at and campaign.wake_at > datetime.now(UTC) + claiming.LOST_AFTER
    return {
        "campaign": campaign,
        "figures": results.figures_of(campaign),
        "asleep": campaign.wake_at if resting else None,
        "hours": hours_of(current_user.tenant),
        "held_back": gaps.held_back(campaign.inbox) if campaign.state == CampaignState.SENDING else None,
    }


def _texts(body: str, contacts: list[Contact]) -> list[tuple[Contact, str]]:
    """The text as each of them gets it; none while it names a field that there is not."""
    fields = tenant_fields()
    try:
        fields.check(body)
    except UnknownField:
        return []
    return [(contact, fields.render(body, contact)) for contact in contacts] if body.strip() else []


def _campaign(campaign_id: int) -> Campaign:
    return service.find(current_user, campaign_id) or abort(404)
