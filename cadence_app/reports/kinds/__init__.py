"""What can be exported: the registry of kinds, in the order in which lists show them."""

from __future__ import annotations

from cadence_app.reports.kinds.activity import USER_ACTIVITY
from cadence_app.reports.kinds.audit import AUDIT_LOG
from cadence_app.reports.kinds.base import Bundle, Cell, Column, Kind
from cadence_app.reports.kinds.history import OPT_OUT_HISTORY
from cadence_app.reports.kinds.imports import IMPORT_LOG
from cadence_app.reports.kinds.messages import MESSAGE_HISTORY
from cadence_app.reports.kinds.possible import POSSIBLE_OPT_OUTS
from cadence_app.reports.kinds.status import OPT_OUT_STATUS

__all__ = [
    "AUDIT_LOG",
    "KINDS",
    "MESSAGE_HISTORY",
    "OPT_OUT_HISTORY",
    "PLAIN_KINDS",
    "Bundle",
    "Cell",
    "Column",
    "Kind",
]

# Those whose page is a form and a list of requests; the Opt out history has a report on screen as well.
_PLAIN = (OPT_OUT_STATUS, POSSIBLE_OPT_OUTS, MESSAGE_HISTORY, USER_ACTIVITY, IMPORT_LOG, AUDIT_LOG)
PLAIN_KINDS = {kind.key: kind for kind in _PLAIN}
KINDS = {OPT_OUT_HISTORY.key: OPT_OUT_HISTORY} | PLAIN_KINDS
