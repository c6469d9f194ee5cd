-- What the database does by itself, whoever writes. Of one table and moment they run in the order of their
-- names.

-- Append-only.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();

-- Append-only.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON operator_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_operator_entries();

-- The numbers over time are kept, whoever writes contacts.number.
CREATE TRIGGER numbers_kept AFTER INSERT ON contacts REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION keep_first_numbers();
CREATE TRIGGER numbers_kept_on_change AFTER UPDATE ON contacts
    FOR EACH ROW WHEN (OLD.number <> NEW.number) EXECUTE FUNCTION keep_changed_numbers();

-- Stops and blocks are of numbers: who gets one is barred, who leaves one is not any more.
CREATE TRIGGER carrier_blocks_handed_on AFTER INSERT ON contact_numbers REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION hand_on_carrier_blocks();
CREATE TRIGGER left_unbarred AFTER UPDATE ON contact_numbers REFERENCING OLD TABLE AS was NEW TABLE AS became
    FOR EACH STATEMENT EXECUTE FUNCTION unbar_left_numbers();
CREATE TRIGGER stopped_barred AFTER INSERT ON contact_numbers REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION bar_stopped_numbers();

-- When it last changed.
CREATE TRIGGER changed BEFORE INSERT OR UPDATE ON conversations
    FOR EACH ROW EXECUTE FUNCTION note_conversation_change();

-- The file goes with its row.
CREATE TRIGGER file_discarded_with_row AFTER DELETE ON message_media
    FOR EACH ROW WHEN (OLD.file_key <> '') EXECUTE FUNCTION discard_media_file();

-- Append-only, numbered for the feed, and never on a day that is sealed.
CREATE TRIGGER announced BEFORE INSERT ON opt_out_changes
    FOR EACH STATEMENT EXECUTE FUNCTION announce_history();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON opt_out_changes
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON opt_out_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();
CREATE TRIGGER sealed_days AFTER INSERT ON opt_out_changes REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_sealed_day();

-- A status is that of its change.
CREATE TRIGGER matches_history BEFORE INSERT OR UPDATE ON consents
    FOR EACH ROW EXECUTE FUNCTION require_matching_change();

-- Append-only, and of days that are over.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();
CREATE TRIGGER open_days BEFORE INSERT ON seals
    FOR EACH ROW EXECUTE FUNCTION refuse_seal_of_open_day();

-- Append-only.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sealed_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();

-- Append-only, and never on a day that is sealed.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON retired_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();
CREATE TRIGGER sealed_days AFTER INSERT ON retired_changes REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_retiring_on_sealed_day();
