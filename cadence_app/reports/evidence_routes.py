"""The share of opted-in people who are known to have agreed, on screen: the Evidence tab of Teams, and
Consent Evidence > View of Legacy."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.models import Navigation
from cadence_app.accounts.roles import reports_required
from cadence_app.contacts.service import NONE_RECORDED
from cadence_app.reports.evidence_share import GROUND_NAMES, evidence_share, percent
from cadence_app.reports.screens import only_in
from cadence_app.ui.navigation import Report

blueprint = Blueprint("evidence_report", __name__, url_prefix="/reports")


@blueprint.get("/evidence")
@reports_required
def evidence() -> ResponseReturnValue:
    only_in(Navigation.TEAMS, Report.CONSENT_EVIDENCE)
    return _page("reports/teams/evidence.html")


@blueprint.get("/consent-evidence")
@reports_required
def consent_evidence() -> ResponseReturnValue:
    only_in(Navigation.LEGACY, Report.CONSENT_EVIDENCE)
    return _page("reports/legacy/consent_evidence.html")


def _page(template: str) -> ResponseReturnValue:
    return render_template(
        template,
        report=evidence_share(),
        ground_names=GROUND_NAMES,
        percent=percent,
        none_recorded=NONE_RECORDED if current_user.works_desk else None,
    )
