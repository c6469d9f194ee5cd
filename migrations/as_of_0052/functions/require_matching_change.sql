-- A status is that of the change it names, and follows the newest one only.
CREATE FUNCTION require_matching_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM opt_out_changes c
        WHERE c.id = NEW.change_id AND c.contact_id = NEW.contact_id AND c.team_id = NEW.team_id
          AND c.status = NEW.status AND c.changed_at = NEW.since
    ) OR EXISTS (
        SELECT FROM opt_out_changes c
        WHERE c.contact_id = NEW.contact_id AND c.team_id = NEW.team_id AND c.id > NEW.change_id
    ) THEN
        RAISE EXCEPTION 'contact %, team %: no matching history row', NEW.contact_id, NEW.team_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
