-- One key a borrower, under which the personal part of the borrower's ledger entries is sealed. The key is the only thing
-- about the ledger that can be destroyed: the entries stay, byte for byte, and nobody can open them any more.
CREATE TABLE borrower_key (
    borrower_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    key bytea,                         -- null: destroyed
    review_at timestamptz NOT NULL,    -- when it is looked at next: whether the evidence has been kept long enough
    asked_at timestamptz,              -- when the borrower's erasure was asked for; then only law puts it off
    destroyed_at timestamptz,
    CHECK ((key IS NULL) = (destroyed_at IS NOT NULL))
);
CREATE INDEX borrower_key_to_review ON borrower_key (review_at) WHERE key IS NOT NULL;

CREATE FUNCTION refuse_change_of_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.borrower_id <> OLD.borrower_id OR NEW.tenant_id <> OLD.tenant_id
       OR (NEW.key IS NOT NULL AND NEW.key IS DISTINCT FROM OLD.key) THEN
        RAISE EXCEPTION 'a key is made once and destroyed once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER made_once BEFORE UPDATE ON borrower_key FOR EACH ROW EXECUTE FUNCTION refuse_change_of_key();
CREATE TRIGGER never_forgotten BEFORE DELETE OR TRUNCATE ON borrower_key
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT, UPDATE (key, review_at, asked_at, destroyed_at) ON borrower_key TO forbear_dispatcher;
GRANT SELECT ON borrower_key TO forbear_auditor;
