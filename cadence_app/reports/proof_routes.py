"""Proof: the seals of the history, and the button that checks them. The same page in both modes."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import reports_required
from cadence_app.consent import jobs, seal_checks, seals
from cadence_app.ui import query_values
from cadence_app.ui.navigation import mode_of

blueprint = Blueprint("proof", __name__, url_prefix="/reports/proof")

_PAGE = 30


@blueprint.get("/")
@reports_required
def index() -> str:
    before = query_values.day(request.args, "before")
    page = seals.latest_seals(_PAGE + 1, before)
    digest = query_values.text(request.args, "digest")
    return render_template(
        "reports/proof.html",
        mode=mode_of(current_user),
        checks=seal_checks.latest_checks(),
        seals=page[:_PAGE],
        more=len(page) > _PAGE,
        before=before,
        retirements=[] if before else seals.retirements(_PAGE),
        open_days=[] if before else seals.open_days(),
        digest=digest,
        digest_seal=seals.seal_with_digest(digest) if digest else None,
    )


@blueprint.get("/checks")
@reports_required
def check_list() -> str:
    """The list of checks by itself, for a page that keeps it fresh."""
    return render_template("reports/_checks.html", checks=seal_checks.latest_checks())


@blueprint.post("/verify")
@reports_required
def verify() -> ResponseReturnValue:
    check = seal_checks.request_check(current_user)
    if jobs.dispatch_check(check.tenant_id, check.id):
        flash("Checking every seal. The answer stands below when it is done.", "info")
    else:
        flash(
            "The request is saved. The queue is out of reach just now; it starts when that is back.",
            "warning",
        )
    return redirect(url_for("proof.index"))
