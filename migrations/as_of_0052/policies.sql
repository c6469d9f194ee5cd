-- Who sees which rows. Each transaction says whose it is (cadence_app/tenancy.py), and one that does not sees
-- none. It holds for the tables' owner too; a backup reads everything. All tables with a tenant_id are gone
-- over, so that none is forgotten; the one of the tenants themselves has its own policies (tenants.sql).
DO $$
DECLARE
    tenants_own regclass;
BEGIN
    FOR tenants_own IN
        SELECT c.oid::regclass FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', tenants_own);
        EXECUTE format('CREATE POLICY tenant ON %s USING (tenant_id = %s)', tenants_own,
            $tenant$nullif(current_setting('cadence.tenant_id', true), '')::bigint$tenant$);
        EXECUTE format('CREATE POLICY backup ON %s FOR SELECT TO cadence_backup USING (true)', tenants_own);
    END LOOP;
END $$;
