-- Tenants' own, stricter rules as the gate applies them: every version that was ever in force, the highest now.
CREATE TABLE tenant_policy (
    tenant_id uuid NOT NULL,
    version bigint NOT NULL,
    text text NOT NULL,                -- TOML; empty: no rules of their own any more
    in_force_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, version)
);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON tenant_policy
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON tenant_policy TO forbear_dispatcher;

-- Entries that belong to a tenant and to no borrower: an export of one borrower holds those of the tenant's policy too.
CREATE INDEX ledger_entry_by_tenant ON ledger_entry (tenant_id, sequence) WHERE borrower_id IS NULL;
