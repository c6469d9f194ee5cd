"""Numbers that were stored before they were read strictly: which of them are to be mended; and the one choice
of an area code for a file.

The stored numbers are read again by contacts/mending.py, which needs the library; what the North American
plan rules out is listed here already, so that nothing is sent to it in between.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"
FULL = r"^\+1[2-9](?!11|9)[0-9]{2}[2-9][0-9]{6}$"

LIST_IMPOSSIBLE = f"""
INSERT INTO numbers_to_mend (contact_id, number, tenant_id)
    SELECT contact_id, number, tenant_id FROM contact_numbers
    WHERE until IS NULL AND number LIKE '+1%' AND number !~ '{FULL}'
"""  # noqa: S608 - of a constant

# A file that was checked before is checked again; one that is being applied goes on without such rows, but an
# opt out among them counts all the same, for whoever has the number.
IMPORTS = f"""
UPDATE imports SET state = 'draft',
    problem = 'Phone numbers are read more strictly since the update. Check the file again.'
    WHERE state = 'ready';
UPDATE import_rows SET
    number = CASE status WHEN 'opted_out' THEN regexp_replace(number, '^[+]521', '+52') ELSE '' END,
    problems = jsonb_build_array(jsonb_build_array(
        0, 'Phone numbers are read more strictly since the update. Upload this row again.'))
    WHERE problems = '[]'
      AND (number LIKE '+1%' AND number !~ '{FULL}' OR number ~ '^[+]521[0-9]{{10}}$')
      AND import_id IN (SELECT id FROM imports WHERE state = 'importing');
"""  # noqa: S608 - of a constant


def upgrade() -> None:
    # The tenants there are have yet to be read; those to come are read strictly from the first.
    op.add_column("tenants", sa.Column("numbers_read", sa.SmallInteger(), server_default="0", nullable=False))
    op.alter_column("tenants", "numbers_read", server_default="1")
    op.add_column("imports", sa.Column("area_code", sa.Text(), server_default="", nullable=False))
    op.add_column("imports", sa.Column("local_numbers", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "numbers_to_mend",
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"]),
        sa.ForeignKeyConstraint(["left_by_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("contact_id", "number"),
    )
    op.create_index("ix_numbers_to_mend_tenant", "numbers_to_mend", ["tenant_id", "contact_id"])
    op.execute(LIST_IMPOSSIBLE)
    op.execute(IMPORTS)
    op.execute("ALTER TABLE numbers_to_mend ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE numbers_to_mend FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON numbers_to_mend USING (tenant_id = {CURRENT_TENANT})")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON numbers_to_mend TO cadence_app")
