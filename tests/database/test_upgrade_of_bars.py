"""An upgrade fills in why texts did not go from the sentences that are known, and leaves them as they are."""

from __future__ import annotations

from flask import Flask
from flask_migrate import upgrade

from cadence_app.database_roles import EMBEDDED_OWNER, hand_over
from cadence_app.extensions import db
from tests.conftest import ROOT
from tests.database.older import old_database
from tests.database.test_upgrade import _ROWS

# State, the sentence that was kept, the code that it becomes.
KEPT = [
    ("suppressed", "This inbox is closed: it takes texts in and sends none.", "inbox_closed"),
    (
        "suppressed",
        "The organisation is suspended. Only the confirmation of an opt out goes out.",
        "organisation_suspended",
    ),
    (
        "suppressed",
        "Nothing is sent to this number until it is mended: it is no full one, or two contacts share it.",
        "number_unsendable",
    ),
    (
        "suppressed",
        "The toll-free network blocks this number until the contact texts START or UNSTOP to it.",
        "carrier_block",
    ),
    ("suppressed", "The carrier blocks this number: its owner texted STOP to yours.", "carrier_block"),
    ("suppressed", "The contact has opted in again since.", "opted_in_again"),
    ("suppressed", "The contact is not in Aid.", "not_in_team"),
    ("suppressed", "The contact is opted out of Aid.", "opted_out"),
    ("suppressed", "Not sent: the contact is opted out of Aid.", "opted_out"),
    (
        "suppressed",
        "The contact opted out by a text to a personal inbox, so no personal inbox may text them until they "
        "text START to one. Shared inboxes may.",
        "personal_opt_out",
    ),
    (
        "suppressed",
        "Held: the contact's words may be an opt out, and nobody has decided yet.",
        "possible_opt_out",
    ),
    ("suppressed", "The campaign was cancelled before it went.", "cancelled"),
    ("suppressed", "Skipped: the carrier answers this word itself.", "carrier_answers"),
    ("suppressed", "Emptied, for the person was erased.", None),
    ("dropped", "Dropped: it could not go within five minutes.", "too_late"),
    (
        "failed",
        "The answer was lost while it was handed over, and the carrier can't tell whether it went.",
        "lost_sight",
    ),
    ("failed", "The carrier was too busy each time.", "carrier_busy"),
    ("failed", "The settings of this inbox's carrier can't be used.", "carrier_unusable"),
    ("failed", "With this contact's values the text is empty.", "no_text"),
    ("failed", "This number is out of service.", None),
    ("delivered", "The contact is opted out of Aid.", None),
]
LEFT_OUT = {
    "no_consent": "not_in_team",
    "duplicate": "duplicate",
    "number": "number_unsendable",
    "opted_out": "opted_out",
    "carrier": "carrier_block",
    "held": "possible_opt_out",
}


def test_known_sentences_become_codes_in_every_tenant_and_stay(app: Flask) -> None:
    with old_database(app) as (superuser, then, application):
        superuser.execute(_ROWS)
        with then.app_context():
            upgrade(directory=str(ROOT / "migrations"), revision="0047")
        columns = "tenant_id, conversation_id, inbox_id, direction, kind, body, state, detail"
        for tenant in (1, 2):
            for state, detail, _ in KEPT:
                values = (tenant, tenant, tenant, "outbound", "person", "Hi", state, detail)
                superuser.execute(
                    f"INSERT INTO messages ({columns}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", values
                )
            superuser.execute(
                "INSERT INTO campaigns (id, tenant_id, team_id, inbox_id, user_id, name, body, segment,"
                " state) VALUES (%s, %s, %s, %s, %s, 'Open day', 'Hi', '{}', 'finished')",
                (tenant, tenant, tenant, tenant, {1: 1, 2: 5}[tenant]),
            )
            for reason in LEFT_OUT:
                superuser.execute(
                    "INSERT INTO campaign_recipients (campaign_id, tenant_id, entry, state, reason, zones)"
                    " VALUES (%s, %s, '', 'left_out', %s, '')",
                    (tenant, tenant, reason),
                )
        # By the tables' owner, whom row-level security holds too.
        with superuser.transaction():
            hand_over(superuser, EMBEDDED_OWNER)
        with application.app_context():
            upgrade(directory=str(ROOT / "migrations"))
            db.engine.dispose()
        for tenant in (1, 2):
            found = superuser.execute(
                "SELECT state, detail, unsent_reason FROM messages WHERE tenant_id = %s ORDER BY id",
                (tenant,),
            ).fetchall()
            assert found == KEPT
            reasons = superuser.execute(
                "SELECT reason FROM campaign_recipients WHERE tenant_id = %s ORDER BY id", (tenant,)
            ).fetchall()
            assert [reason for (reason,) in reasons] == list(LEFT_OUT.values())
