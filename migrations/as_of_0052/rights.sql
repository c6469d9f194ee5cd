-- What goes for all tables at once; what the application may do with each stands with the table.

GRANT USAGE ON SCHEMA public TO cadence_app, cadence_backup, cadence_lookup;

-- An id is given by its sequence.
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app;
-- last_change_id_given() reads it.
GRANT SELECT ON SEQUENCE opt_out_changes_id_seq TO cadence_app;

-- A backup reads what there is, and what a later migration makes.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO cadence_backup;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO cadence_backup;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO cadence_backup;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO cadence_backup;
