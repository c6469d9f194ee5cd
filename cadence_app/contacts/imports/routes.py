"""Contacts > Import: a page for each step, in both modes, for admins."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts import downloads
from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.service import all_teams
from cadence_app.contacts.imports import agreeing, choosing, looking, mapping, opt_outs, results, service
from cadence_app.contacts.imports.forms import (
    AreaCodeForm,
    ChoiceForm,
    ColumnsForm,
    HiddenRowsForm,
    ReadingForm,
    StartForm,
    UploadForm,
)
from cadence_app.contacts.imports.models import Import, ImportState
from cadence_app.contacts.imports.refusal import Unreadable
from cadence_app.contacts.imports.refusals import CHOICES, Kind
from cadence_app.inboxes.service import area_codes_of
from cadence_app.ui import query_values
from cadence_app.ui.navigation import words_for

blueprint = Blueprint("imports", __name__, url_prefix="/contacts/import")

_PROBLEMS = 50
_LATER = "The queue is out of reach just now; this goes on when that is back."
# What a form adds around a file.
_AROUND = 64 * 1024


@blueprint.url_value_preprocessor
def allow_large_files(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Lets an admin send a large file here: the CSRF check reads the form before the view is called."""
    upload = endpoint == "imports.index" and request.method == "POST"
    if upload and current_user.is_authenticated and current_user.is_admin:
        request.max_content_length = current_app.config["IMPORT_MAX_BYTES"] + _AROUND


@blueprint.route("/", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    form = UploadForm()
    if form.validate_on_submit():
        given = form.file.data
        try:
            imported = service.take(current_user, given.filename or "", given.stream)
        except Unreadable as refusal:
            form.file.errors = [str(refusal)]
        else:
            return redirect(url_for("imports.show", import_id=imported.id))
    page = render_template(
        "contacts/imports/index.html",
        form=form,
        imports=service.latest(),
        most=current_app.config["IMPORT_MAX_BYTES"],
        most_rows=current_app.config["IMPORT_MAX_ROWS"],
        keep_days=current_app.config["IMPORT_KEEP_DAYS"],
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.get("/list")
@admin_required
def past() -> str:
    """The list of imports by itself, for a page that keeps it fresh."""
    return render_template("contacts/imports/_past.html", imports=service.latest())


@blueprint.get("/columns.csv")
@admin_required
def empty_file() -> Response:
    """A file with every column's name and no row, to be filled in."""
    names = [name.format(Team=words_for(current_user).Team) for name in mapping.NAMES]
    response = Response(f"\ufeff{','.join(names)}\n", mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename="contacts.csv")
    return response


@blueprint.route("/<int:import_id>/columns", methods=["GET", "POST"])
@admin_required
def columns(import_id: int) -> ResponseReturnValue:
    imported = _find(import_id)
    if imported.state != ImportState.DRAFT:
        return redirect(url_for("imports.show", import_id=imported.id))
    sample = looking.sample(imported)
    unreadable = sample.problem
    reading = ReadingForm(imported, sample)
    open_teams = [team for team in all_teams() if not team.closed_at]
    codes = sample.unknown_codes
    form = ColumnsForm(imported, open_teams, words_for(current_user), codes, mapping.teams_of_codes(codes))
    if request.form.get("action") == "check" and form.validate_on_submit() and not unreadable:
        targets = mapping.targets(imported.headers, form.chosen)
        if not service.check(imported, targets, form.teams.data or (), form.code_teams):
            flash(_LATER, "warning")
        return redirect(url_for("imports.show", import_id=imported.id))
    page = render_template(
        "contacts/imports/columns.html",
        imported=imported,
        reading=reading,
        form=form,
        rows=sample.rows,
        unreadable=unreadable,
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/<int:import_id>/reading")
@admin_required
def read_as(import_id: int) -> ResponseReturnValue:
    """Another encoding, delimiter, sheet or header: the columns are suggested anew."""
    imported = _find(import_id)
    if imported.state == ImportState.DRAFT:
        form = ReadingForm(imported, looking.sample(imported))
        if not form.validate_on_submit():
            flash("Choose from the lists.", "error")
        elif not service.read_as(imported, form.options(imported)):
            flash(_LATER, "warning")
    return redirect(url_for("imports.columns", import_id=imported.id))


@blueprint.get("/<int:import_id>")
@admin_required
def show(import_id: int) -> ResponseReturnValue:
    imported = _find(import_id)
    return _page(imported, StartForm(imported, formdata=None))


@blueprint.get("/<int:import_id>/progress")
@admin_required
def progress(import_id: int) -> ResponseReturnValue:
    """How far it is, for a page that keeps it fresh; once it is over, the page is loaded anew."""
    imported = _find(import_id)
    if not imported.working:
        return "", 200, {"HX-Refresh": "true"}
    return render_template(
        "contacts/imports/_progress.html", imported=imported, waits=service.waits_for_another(imported)
    )


@blueprint.post("/<int:import_id>/hidden-rows")
@admin_required
def hidden_rows(import_id: int) -> ResponseReturnValue:
    """Reads a checked file again with the rows that its sheet hides, or without them."""
    imported = _find(import_id)
    form = HiddenRowsForm()
    if not form.validate_on_submit():
        flash("Choose from the lists.", "error")
    elif not service.read_hidden(imported, form.hidden.data == "include"):
        flash(_LATER, "warning")
    return redirect(url_for("imports.show", import_id=imported.id))


@blueprint.post("/<int:import_id>/refused")
@admin_required
def choose(import_id: int) -> ResponseReturnValue:
    """What is done with refused rows of a kind, or with one of them."""
    imported = _find(import_id)
    form = ChoiceForm()
    if form.validate_on_submit() and (
        rows := service.choose(current_user, imported, form.kind.data, form.chosen, form.line.data)
    ):
        flash(f"Kept for {rows:,} row{'' if rows == 1 else 's'}.", "success")
    else:
        flash("This cannot be chosen for these rows.", "error")
    back: dict[str, Any] = {"kind": form.kind.data} if form.line.data and form.kind.data in list(Kind) else {}
    return redirect(url_for("imports.show", import_id=imported.id, _anchor="refusals", **back))


@blueprint.post("/<int:import_id>/start")
@admin_required
def start(import_id: int) -> ResponseReturnValue:
    imported = _find(import_id)
    form = StartForm(imported)
    if not form.validate_on_submit():
        return _page(imported, form, 422)
    service.start(
        *(current_user, imported, form.lift_stops.data, form.stop_reason.data or "", form.typed),
        agreed=form.agreed.data or [],
        agreed_reason=form.agreed_reason.data or "",
        statement=form.statement.data or "",
        statement_on=form.statement_on.data,
    )
    return redirect(url_for("imports.show", import_id=imported.id))


@blueprint.post("/<int:import_id>/cancel")
@admin_required
def cancel(import_id: int) -> ResponseReturnValue:
    imported = _find(import_id)
    service.cancel(current_user, imported)
    return redirect(url_for("imports.show", import_id=imported.id))


@blueprint.post("/<int:import_id>/area-code")
@admin_required
def area_code(import_id: int) -> ResponseReturnValue:
    """Reads the file's seven-digit numbers as ones of an area, and checks it again."""
    imported = _find(import_id)
    form = AreaCodeForm(_area_codes(imported))
    if not form.validate_on_submit():
        flash("Choose from the list.", "error")
    elif not service.add_area_code(imported, form.area_code.data):
        flash(_LATER, "warning")
    return redirect(url_for("imports.show", import_id=imported.id))


@blueprint.post("/<int:import_id>/change-columns")
@admin_required
def change_columns(import_id: int) -> ResponseReturnValue:
    imported = _find(import_id)
    service.back_to_columns(imported)
    return redirect(url_for("imports.columns", import_id=imported.id))


@blueprint.post("/<int:import_id>/resume")
@admin_required
def resume(import_id: int) -> ResponseReturnValue:
    imported = _find(import_id)
    service.resume(imported)
    return redirect(url_for("imports.show", import_id=imported.id))


@blueprint.get("/<int:import_id>/refused.csv")
@admin_required
def refused(import_id: int) -> ResponseReturnValue:
    imported = _find(import_id)
    if not imported.result_key or imported.working or imported.state == ImportState.DRAFT:
        abort(404)
    try:
        chunks = results.stored(imported)
    except FileNotFoundError:
        abort(404)
    downloads.note(current_user, "import.refused_downloaded", imported.file_name)
    response = Response(stream_with_context(chunks), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=f"refused-{imported.id}.csv")
    return response


def _find(import_id: int) -> Import:
    return service.find(import_id) or abort(404)


def _area_codes(imported: Import) -> list[str]:
    """Those of the teams' shared inboxes, the teams of rows that name none first."""
    open_teams = [team.id for team in all_teams() if not team.closed_at]
    return area_codes_of([*imported.default_teams, *open_teams])


def _page(imported: Import, form: StartForm, status: int = 200) -> ResponseReturnValue:
    if imported.state == ImportState.DRAFT:
        return redirect(url_for("imports.columns", import_id=imported.id))
    after = query_values.row_id(request.args, "after") or 0
    kind = request.args.get("kind", "")
    kind = kind if kind in [*Kind, results.OPT_OUTS] else ""
    told, groups, ready = [], [], imported.state == ImportState.READY
    if imported.state in (ImportState.READY, ImportState.DONE):
        told = results.told(imported, after, _PROBLEMS + 1, kind)
        groups = choosing.groups(imported)
    page = render_template(
        "contacts/imports/show.html",
        imported=imported,
        form=form,
        told=told[:_PROBLEMS],
        more=told[_PROBLEMS - 1].line if len(told) > _PROBLEMS else None,
        after=after,
        area_codes=_area_codes(imported) if imported.local_numbers else [],
        kind=kind,
        groups=groups,
        stopped=agreeing.listed(imported) if ready else [],
        stopped_count=agreeing.count(imported) if ready else 0,
        heard=opt_outs.refused(imported.id) if imported.refused_opt_outs else {},
        choices=CHOICES,
        rows=looking.sample(imported).rows if ready else [],
        targets=[mapping.Target(**each) for each in imported.columns],
        target_names=dict(mapping.choices(words_for(current_user).Team)),
        waits=service.waits_for_another(imported),
        default_teams=[team for team in all_teams() if team.id in imported.default_teams],
    )
    return page, status
