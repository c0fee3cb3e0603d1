-- Run once as superuser on an empty database. One schema per service, owned by a role that migrates it; a second role per
-- service works in it and can neither read the others' schemas nor change a table. Passwords are set by whoever operates:
--   ALTER ROLE forbear_scheduler LOGIN PASSWORD '...';
DO $$
DECLARE
    service text;
BEGIN
    FOREACH service IN ARRAY ARRAY['scheduler', 'dispatcher', 'tracker'] LOOP
        EXECUTE format('CREATE ROLE forbear_%s_owner LOGIN', service);
        EXECUTE format('CREATE ROLE forbear_%s LOGIN', service);
        EXECUTE format('CREATE SCHEMA %I AUTHORIZATION forbear_%s_owner', service, service);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO forbear_%s', service, service);
        EXECUTE format('ALTER ROLE forbear_%s SET search_path = %I', service, service);
        EXECUTE format('ALTER ROLE forbear_%s_owner SET search_path = %I', service, service);
    END LOOP;
    -- Compliance officers read the ledger directly, to verify it without asking the service.
    CREATE ROLE forbear_auditor LOGIN;
    GRANT USAGE ON SCHEMA dispatcher TO forbear_auditor;
    ALTER ROLE forbear_auditor SET search_path = dispatcher;
END
$$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
