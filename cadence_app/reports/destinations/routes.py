"""Settings > Destinations, for admins in both modes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.reports.destinations import naming, removal, service, sftp
from cadence_app.reports.destinations.forms import FORMS, DestinationForm, as_data
from cadence_app.reports.destinations.models import Destination, Protocol
from cadence_app.reports.destinations.problems import DeliveryProblem
from cadence_app.reports.kinds import KINDS, OPT_OUT_HISTORY
from cadence_app.reports.ranges import today
from cadence_app.ui import query_values

blueprint = Blueprint("destinations", __name__, url_prefix="/settings/destinations")

_NAMES = {Protocol.SFTP: "SFTP server", Protocol.S3: "S3 storage"}


@blueprint.get("")
@admin_required
def index() -> str:
    shown = [(each, removal.schedules_of(each)) for each in service.all_destinations()]
    return render_template("reports/destinations/index.html", destinations=shown, kinds=KINDS)


@blueprint.route("/new/<any(sftp, s3):protocol>", methods=["GET", "POST"])
@admin_required
def new(protocol: str) -> ResponseReturnValue:
    form = FORMS[Protocol(protocol)](None)
    if form.validate_on_submit() and not _preview():
        try:
            destination = service.add(current_user, Protocol(protocol), form.setup)
        except service.NameTaken:
            _name_taken(form)
        else:
            flash(f"{destination.name} is saved.", "success")
            return _next(destination)
    return _form_page(Protocol(protocol), form, f"New {_NAMES[Protocol(protocol)]}")


@blueprint.route("/<int:destination_id>/edit", methods=["GET", "POST"])
@admin_required
def edit(destination_id: int) -> ResponseReturnValue:
    destination = _find(destination_id)
    protocol = destination.kind
    shown = as_data(destination) if request.method == "GET" else None
    form = FORMS[protocol](destination, data=shown)
    title = destination.name
    if form.validate_on_submit() and not _preview():
        try:
            service.change(current_user, destination, form.setup)
        except service.NameTaken:
            _name_taken(form)
        else:
            flash(f"{destination.name} is saved.", "success")
            return _next(destination)
    return _form_page(protocol, form, title)


@blueprint.route("/<int:destination_id>/key", methods=["GET", "POST"])
@admin_required
def key(destination_id: int) -> ResponseReturnValue:
    """Shows the key that the server has now, for an admin to compare and confirm."""
    destination = _find(destination_id)
    if destination.kind != Protocol.SFTP:
        abort(404)
    if request.method == "POST":
        try:
            service.confirm_key(current_user, destination, query_values.text(request.form, "host_key", None))
        except ValueError:
            flash("That key can't be read. Look at the server's key again.", "error")
        else:
            flash(f"{destination.name} is trusted by its key from now on.", "success")
            return redirect(url_for("destinations.index"))
    found, problem = "", ""
    try:
        found = sftp.fetch_host_key(destination.place["host"], destination.place["port"])
    except DeliveryProblem as error:
        problem = str(error)
    known = destination.host_key
    return render_template(
        "reports/destinations/key.html",
        destination=destination,
        host_key=found,
        fingerprint=sftp.fingerprint(found) if found else "",
        known=sftp.fingerprint(known) if known else "",
        problem=problem,
    )


@blueprint.post("/<int:destination_id>/test")
@admin_required
def test(destination_id: int) -> ResponseReturnValue:
    destination = _find(destination_id)
    try:
        service.try_out(destination)
    except DeliveryProblem as problem:
        flash(f"The test of {destination.name} failed: {problem}.", "error")
    else:
        flash(f"A small file was written to {destination.name}, read back and removed. It works.", "success")
    return redirect(url_for("destinations.index"))


@blueprint.post("/<int:destination_id>/pause")
@admin_required
def pause(destination_id: int) -> ResponseReturnValue:
    service.pause(current_user, _find(destination_id))
    flash("Paused. What is to go there waits until it is resumed, for three days at most.", "info")
    return redirect(url_for("destinations.index"))


@blueprint.post("/<int:destination_id>/resume")
@admin_required
def resume(destination_id: int) -> ResponseReturnValue:
    service.resume(current_user, _find(destination_id))
    flash("Resumed. What waited goes there within fifteen minutes.", "success")
    return redirect(url_for("destinations.index"))


@blueprint.route("/<int:destination_id>/delete", methods=["GET", "POST"])
@admin_required
def delete(destination_id: int) -> ResponseReturnValue:
    """Asks once, and says which schedules use it."""
    destination = _find(destination_id)
    if request.method == "POST":
        paused = removal.delete_destination(current_user, destination)
        said = f"{destination.name} is deleted."
        if paused:
            said += f" Schedules that had nowhere else to go are paused: {len(paused)}."
        flash(said, "success")
        return redirect(url_for("destinations.index"))
    return render_template(
        "reports/destinations/delete.html",
        destination=destination,
        schedules=removal.schedules_of(destination),
        kinds=KINDS,
    )


def _find(destination_id: int) -> Destination:
    return service.find_destination(destination_id) or abort(404)


def _preview() -> bool:
    """Whether the form was sent to see what a file would be called, and not to be saved."""
    return "preview" in request.form


def _name_taken(form: DestinationForm) -> None:
    form.name.errors = ["There is a destination of this name. Choose another."]


def _next(destination: Destination) -> ResponseReturnValue:
    if not destination.confirmed:
        return redirect(url_for("destinations.key", destination_id=destination.id))
    return redirect(url_for("destinations.index"))


def _form_page(protocol: Protocol, form: DestinationForm, title: str) -> ResponseReturnValue:
    if _preview() and not form.errors:
        # What is not shown again would be lost unseen: the fields say so by being empty.
        form.secret_field.errors = ["Enter this again: it is not sent back to the page."]
    zone = current_user.tenant.zone
    now, last = datetime.now(UTC), today(zone) - timedelta(days=1)
    pattern = form.file_pattern.data or ""
    values = {
        name: naming.file_name(name, OPT_OUT_HISTORY.key, last, last, now, zone, "")[:-1]
        for name in naming.PLACEHOLDERS
    }
    fine = not naming.problem_of(pattern) and pattern
    page = render_template(
        "reports/destinations/form.html",
        form=form,
        protocol=protocol,
        title=title,
        placeholders=naming.PLACEHOLDERS,
        values=values,
        example=naming.file_name(pattern, OPT_OUT_HISTORY.key, last, last, now, zone, "csv") if fine else "",
    )
    return page, 422 if form.errors and not _preview() else 200
