-- Tenants' own, stricter rules. Every version is kept: who put it, when, and since when the dispatcher holds to it.
CREATE TABLE tenant_policy (
    tenant_id uuid NOT NULL,
    version bigint NOT NULL,
    text text NOT NULL,                -- TOML; empty: no rules of their own any more
    label text NOT NULL,               -- what permits call it
    put_by text NOT NULL,              -- name of the API key
    put_at timestamptz NOT NULL,
    in_force_at timestamptz,           -- null: not handed over yet
    recipient bytea NOT NULL,          -- wire fields of Recipient: the version, for every contact made under it
    PRIMARY KEY (tenant_id, version)
);
CREATE INDEX tenant_policy_to_hand_over ON tenant_policy (tenant_id, version) WHERE in_force_at IS NULL;
GRANT SELECT, INSERT, UPDATE (in_force_at) ON tenant_policy TO forbear_scheduler;
