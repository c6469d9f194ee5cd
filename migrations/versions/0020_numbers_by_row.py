"""A changed number is followed row by row: all rows of a statement were held against each other, which took a
time that grew with their square."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# A number that is replaced ends. One that was a further number of theirs already only becomes the one texted.
# The rows of one statement are followed when all of them are written, and only those whose number changed.
NUMBERS = """
DROP TRIGGER numbers_kept_on_change ON contacts;
CREATE OR REPLACE FUNCTION keep_changed_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM contact_numbers further
               WHERE further.contact_id = NEW.id AND further.number = NEW.number AND further.until IS NULL)
    THEN
        RETURN NULL;
    END IF;
    UPDATE contact_numbers n SET until = now()
        WHERE n.contact_id = NEW.id AND n.number = OLD.number AND n.until IS NULL;
    IF NEW.number LIKE '+%' THEN
        INSERT INTO contact_numbers (tenant_id, contact_id, number, since, reason)
            VALUES (NEW.tenant_id, NEW.id, NEW.number, now(), '');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER numbers_kept_on_change AFTER UPDATE ON contacts
    FOR EACH ROW WHEN (OLD.number <> NEW.number) EXECUTE FUNCTION keep_changed_numbers();
"""


def upgrade() -> None:
    op.execute(NUMBERS)
