-- A feed of the ledger reads it in the order of its ids, but a change can commit after one with a higher id.
-- This, announce_history() and settled_change_id() keep such a feed from skipping one.
CREATE FUNCTION last_change_id_given() RETURNS bigint
    LANGUAGE sql VOLATILE AS
    $$ SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.opt_out_changes_id_seq $$;
