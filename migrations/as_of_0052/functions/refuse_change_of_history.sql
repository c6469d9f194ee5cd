-- The history is append-only. One change of a row goes through: the one that retired_changes says, to the
-- byte.
CREATE FUNCTION refuse_change_of_history() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND EXISTS (
        SELECT FROM retired_changes r
        WHERE r.change_id = OLD.id AND r.how = 'erased' AND r.replaced = change_digest(NEW)
    ) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM retired_changes r WHERE r.change_id = OLD.id AND r.how = 'purged'
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'opt_out_changes is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
