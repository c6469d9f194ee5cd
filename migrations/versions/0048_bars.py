"""Why a text did not go, and why a campaign left somebody out, as codes: each bar of consent has one name.

The sentences that were kept for people stay as they are; the codes are filled in from those that are known.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.tenants import for_all_tenants

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

REASONS = (
    *("not_in_team", "inbox_closed", "organisation_suspended", "number_unsendable", "opted_out"),
    *("opted_in_again", "personal_opt_out", "carrier_block", "possible_opt_out", "too_late", "cancelled"),
    *("carrier_answers", "carrier_refused", "carrier_busy", "carrier_unusable", "lost_sight", "no_text"),
)
# State, the sentence or how it begins, what it is now.
SENTENCES = (
    ("suppressed", "This inbox is closed: it takes texts in and sends none.", "inbox_closed"),
    ("suppressed", "The organisation is suspended.%", "organisation_suspended"),
    ("suppressed", "Nothing is sent to this number until it is mended:%", "number_unsendable"),
    ("suppressed", "The toll-free network blocks this number%", "carrier_block"),
    ("suppressed", "The carrier blocks this number%", "carrier_block"),
    ("suppressed", "The contact has opted in again since.", "opted_in_again"),
    ("suppressed", "The contact is not in %", "not_in_team"),
    ("suppressed", "The contact is opted out of %", "opted_out"),
    ("suppressed", "Not sent: the contact is opted out of %", "opted_out"),
    ("suppressed", "The contact opted out by a text to a personal inbox,%", "personal_opt_out"),
    ("suppressed", "Held: the contact''s words may be an opt out%", "possible_opt_out"),
    ("suppressed", "The campaign was cancelled before it went.", "cancelled"),
    ("suppressed", "Skipped: the carrier answers this word itself.", "carrier_answers"),
    ("dropped", "Dropped: it could not go within five minutes.", "too_late"),
    ("failed", "The answer was lost while it was handed over,%", "lost_sight"),
    ("failed", "The carrier was too busy each time.", "carrier_busy"),
    ("failed", "The settings of this inbox''s carrier can''t be used.", "carrier_unusable"),
    ("failed", "With this contact''s values the text is %", "no_text"),
)
LEFT_OUT = {
    "no_consent": "not_in_team",
    "number": "number_unsendable",
    "carrier": "carrier_block",
    "held": "possible_opt_out",
}


def upgrade() -> None:
    op.add_column("messages", sa.Column("unsent_reason", sa.Text(), nullable=True))
    whens = " ".join(
        f"WHEN state = '{state}' AND detail LIKE '{words}' THEN '{reason}'"
        for state, words, reason in SENTENCES
    )
    known = f"CASE {whens} WHEN state = 'failed' AND failure_code <> '' THEN 'carrier_refused' END"
    unsent = "direction = 'outbound' AND state IN ('suppressed', 'dropped', 'failed')"
    for_all_tenants(
        f"UPDATE messages SET unsent_reason = {known} WHERE {unsent} AND ({known}) IS NOT NULL",  # noqa: S608
        f"SELECT count(*) FROM messages WHERE {unsent} AND ({known}) IS NOT NULL",  # noqa: S608
    )
    codes = ", ".join(f"'{reason}'" for reason in REASONS)
    op.create_check_constraint("unsent_reason", "messages", f"unsent_reason IN ({codes})")
    renamed = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in LEFT_OUT.items())
    old = ", ".join(f"'{each}'" for each in LEFT_OUT)
    for_all_tenants(
        f"UPDATE campaign_recipients SET reason = CASE reason {renamed} END WHERE reason IN ({old})",  # noqa: S608
        f"SELECT count(*) FROM campaign_recipients WHERE reason IN ({old})",  # noqa: S608
    )


def downgrade() -> None:
    back = " ".join(f"WHEN '{new}' THEN '{old}'" for old, new in LEFT_OUT.items())
    new = ", ".join(f"'{each}'" for each in LEFT_OUT.values())
    for_all_tenants(
        f"UPDATE campaign_recipients SET reason = CASE reason {back} END WHERE reason IN ({new})",  # noqa: S608
        f"SELECT count(*) FROM campaign_recipients WHERE reason IN ({new})",  # noqa: S608
    )
    op.drop_column("messages", "unsent_reason")
