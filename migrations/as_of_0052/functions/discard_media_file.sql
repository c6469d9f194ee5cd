-- Whenever a file's row is deleted, by whomever, the file is noted, so that it leaves the storage too.
CREATE FUNCTION discard_media_file() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO discarded_files (tenant_id, file_key) VALUES (OLD.tenant_id, OLD.file_key);
    RETURN NULL;
END $$;
