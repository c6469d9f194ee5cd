"""Settings > Audit log."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms.fields import SelectChoice

from cadence_app.accounts.roles import admin_required
from cadence_app.administration import audit_log
from cadence_app.administration.forms import AuditForm
from cadence_app.reports.kinds import AUDIT_LOG
from cadence_app.reports.screens import page_of
from cadence_app.ui import query_values
from cadence_app.ui.navigation import words_for

blueprint = Blueprint("audit_log", __name__, url_prefix="/settings/audit-log")


@blueprint.get("/")
@admin_required
def index() -> ResponseReturnValue:
    """A page of entries, newest first; the address is its state."""
    words = words_for(current_user)
    form = AuditForm(request.args)
    form.who.choices = [
        SelectChoice("", "Anybody"),
        *(SelectChoice(str(user.id), user.name) for user in audit_log.who()),
    ]
    areas = [SelectChoice(area, audit_log.area_words(area, words)) for area in audit_log.areas()]
    form.what.choices = [SelectChoice("", "Anything"), *areas]
    valid = form.validate()
    wanted = (
        audit_log.Asked(form.start.data, form.end.data, int(form.who.data or 0) or None, form.what.data or "")
        if valid
        else audit_log.Asked()
    )
    before = query_values.row_id(request.args, "before")
    entries, more = audit_log.entries(wanted, current_user.tenant.zone, before)
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name in form and value}
    page = render_template(
        "administration/audit_log.html",
        form=form,
        entries=entries,
        filtered=bool(kept),
        newest=url_for("audit_log.index", **kept) if before else None,
        older=url_for("audit_log.index", **kept, before=entries[-1].id) if more else None,
        export=page_of(AUDIT_LOG),
        action_words=lambda action: audit_log.action_words(action, words),
        field_words=lambda field: audit_log.field_words(field, words),
        value_words=lambda value: audit_log.value_words(value, words),
    )
    return page, 200 if valid else 422
