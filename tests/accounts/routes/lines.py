"""Who gets what from every route: the tables of this folder are the whole of it.

A new route takes one line in a table, under the access it has: its methods and its address, with the names of
its parameters in braces. The ids that organisation.py makes say what stands for them; a line may end in
`legacy` for a page that only those screens have. Lines are tried in order on one made organisation, those who
may not before those who may, so a line that deletes or closes something stands below the lines that need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cadence_app.reports.kinds import OPT_OUT_HISTORY
from tests.accounts.routes import admins, desk, operators, programs

# In the order in which they are tried.
ACTORS = ("signed out", "operator", "foreign admin", "other agent", "agent", "auditor", "admin")
SIGN_IN, OPERATOR_SIGN_IN, FORBIDDEN, NOT_FOUND, OK = "sign in", "operator sign in", "403", "404", "ok"
NO_TOKEN = "401"


def _access(
    agent: str, auditor: str, *, other_agent: str = "", foreign: str = OK, signed_out: str = SIGN_IN
) -> dict[str, str]:
    """What each actor gets; an admin always gets the page."""
    outcomes = (signed_out, signed_out, foreign, other_agent or agent, agent, auditor, OK)
    return dict(zip(ACTORS, outcomes, strict=True))


ACCESS = {
    # Everybody, signed in or not; it may be 404 where it is about something that is not there.
    "PUBLIC": dict.fromkeys(ACTORS, "open"),
    "SIGNED_IN": _access(OK, OK),
    # One thing of the admin's own that nobody else has to do with.
    "OWN_ONLY": _access(NOT_FOUND, NOT_FOUND, foreign=NOT_FOUND),
    # Admins and agents.
    "DESK": _access(OK, FORBIDDEN),
    # What the admin pressed on the desk.
    "OWN_PRESS": _access(NOT_FOUND, FORBIDDEN, other_agent=NOT_FOUND, foreign=NOT_FOUND),
    # A contact or conversation of the agent's own team.
    "OWN_RECORD": _access(OK, FORBIDDEN, other_agent=NOT_FOUND, foreign=NOT_FOUND),
    # The same for who may read it as evidence too.
    "OWN_RECORD_OR_AUDITOR": _access(OK, OK, other_agent=NOT_FOUND, foreign=NOT_FOUND),
    # What the admin wrote in a conversation of the agent's team.
    "AUTHOR_OR_ADMIN": _access(FORBIDDEN, FORBIDDEN, other_agent=NOT_FOUND, foreign=NOT_FOUND),
    # Admins and auditors; and one thing of a tenant.
    "REPORTS": _access(FORBIDDEN, OK),
    "REPORTS_RECORD": _access(FORBIDDEN, OK, foreign=NOT_FOUND),
    "ADMIN": _access(FORBIDDEN, FORBIDDEN),
    "ADMIN_RECORD": _access(FORBIDDEN, FORBIDDEN, foreign=NOT_FOUND),
    # A signature or a token counts there, and no session does.
    "WEBHOOK": dict.fromkeys(ACTORS, "open"),
    "API": dict.fromkeys(ACTORS, NO_TOKEN),
    # For who has given a password and not yet a code; the others begin at the beginning.
    "MID_SIGN_IN": dict.fromkeys(ACTORS, SIGN_IN),
    "OPERATOR_MID_SIGN_IN": dict.fromkeys(ACTORS, OPERATOR_SIGN_IN),
    # Ends the session, so each stands below all that needs one.
    "SIGN_OUT": dict.fromkeys(ACTORS, SIGN_IN),
    "OPERATOR_SIGN_OUT": dict.fromkeys(ACTORS, OPERATOR_SIGN_IN),
    "OPERATOR": dict.fromkeys(ACTORS, OPERATOR_SIGN_IN) | {"operator": OK},
}

# In the order in which they are tried: what ends a session comes last.
TABLES = (desk.TABLE, admins.TABLE, programs.TABLE, operators.TABLE)

# Other names than the routes' own, where one name means different things, and queries that a page needs.
RENAMED = {
    "/dev/mail/{key}": "/dev/mail/{mail}",
    "/dev/mail/{key}/html": "/dev/mail/{mail}/html",
    "/dev/mail/{key}/attachments/{number}": "/dev/mail/{mail}/attachments/{number}",
    "/reports/{key}/export": "/reports/{kind}/export",
    "/reports/exports/{key}": "/reports/exports/{kind}",
    "/messages/drafts/{what}/{contact_id}/{of_id}": "/messages/drafts/reason/{contact_id}/{team_id}",
    "/campaigns/{campaign_id}/{name}": "/campaigns/{campaign_id}/{list}",
    "/campaigns/{campaign_id}/{name}.csv": "/campaigns/{campaign_id}/{list}.csv",
    "/campaigns/{campaign_id}/{name}/done": "/campaigns/{campaign_id}/{list}/done",
    "/campaigns/{campaign_id}/{name}/undo": "/campaigns/{campaign_id}/{list}/undo",
    "/messages/conversations/{conversation_id}/texts/{message_id}": (
        "/messages/conversations/{conversation_id}/texts/{our_text_id}"
    ),
    # Those that take away what they name, from whoever asks next.
    "/campaigns/{campaign_id}/delete": "/campaigns/{new_campaign_id}/delete",
    "/campaigns/templates/{template_id}/delete": "/campaigns/templates/{new_template_id}/delete",
    "/messages/conversations/{conversation_id}/notes/{note_id}/delete": (
        "/messages/conversations/{conversation_id}/notes/{new_note_id}/delete"
    ),
    "/contacts/{contact_id}/numbers/{number_id}/end": "/contacts/{contact_id}/numbers/{new_number_id}/end",
    "/contacts/selected/undo/{press_id}": "/contacts/selected/undo/{new_press_id}",
    "/messages/undo/{batch_id}": "/messages/undo/{new_batch_id}",
    "/messages/conversations/{conversation_id}/later/{text_id}/cancel": (
        "/messages/conversations/{conversation_id}/later/{new_text_id}/cancel"
    ),
}
QUERY = {
    "/reports/schedules/new": f"?kind={OPT_OUT_HISTORY.key}",
    "/reports/saved/new": f"?kind={OPT_OUT_HISTORY.key}",
}


@dataclass(frozen=True)
class Line:
    access: str
    methods: tuple[str, ...]
    address: str
    legacy: bool

    def __str__(self) -> str:
        return f"{'+'.join(self.methods)} {self.address}{' legacy' if self.legacy else ''}"


def _lines() -> Iterator[Line]:
    access = ""
    for text in filter(None, "".join(TABLES).splitlines()):
        if text in ACCESS:
            access = text
            continue
        *methods, address = text.removesuffix(" legacy").split()
        yield Line(access, tuple(methods), address, text.endswith(" legacy"))


LINES = list(_lines())
