-- The dispatcher's schema. States are those of forbear_domain.lifecycle: 1 accepted, 2 refused, 3 expired, 4 recalled,
-- 5 unknown, 10 queued, 11 claimed. Channels and purposes have the numbers of forbear.types.v1.

-- The queue. `body` is the contact as it was submitted; it holds personal data and is cleared when the contact ends.
CREATE TABLE contact (
    contact_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    campaign_id uuid,
    borrower_id uuid NOT NULL,
    loan_id uuid NOT NULL,
    channel smallint NOT NULL,
    purpose smallint NOT NULL,
    lane smallint NOT NULL,  -- 0 replies and confirmations, 1 duties and follow-ups, 2 reminders
    state smallint NOT NULL DEFAULT 10,
    attempts smallint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    expire_at timestamptz NOT NULL,
    reason text NOT NULL DEFAULT '',
    recall_reason text NOT NULL DEFAULT '',  -- set while in flight: not to be attempted again
    ended_at timestamptz,
    body bytea
);
CREATE INDEX contact_due ON contact (channel, lane, tenant_id, due_at, contact_id) WHERE state = 10;
CREATE INDEX contact_open_by_borrower ON contact (borrower_id) WHERE state IN (10, 11, 5);
CREATE INDEX contact_open_by_campaign ON contact (campaign_id) WHERE state IN (10, 11, 5);

-- One row per call of a provider, written before the call.
CREATE TABLE attempt (
    attempt_id uuid PRIMARY KEY,
    contact_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    borrower_id uuid NOT NULL,
    loan_id uuid NOT NULL,
    channel smallint NOT NULL,
    purpose smallint NOT NULL,
    number smallint NOT NULL,
    address_key text NOT NULL,
    state smallint NOT NULL DEFAULT 11,  -- 11, 1, 2 or 5
    result smallint,  -- the strongest receipt so far (forbear.dispatcher.v1.ReceiptState)
    owner integer NOT NULL,  -- the process that claimed it; it holds an advisory lock while it lives
    claimed_at timestamptz NOT NULL,
    settled_at timestamptz,
    check_at timestamptz,  -- when the provider is asked about an unknown outcome; null: a person's turn
    checks smallint NOT NULL DEFAULT 0,
    provider text NOT NULL,
    provider_ref text NOT NULL DEFAULT '',
    sender text NOT NULL,
    code text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    parts smallint NOT NULL DEFAULT 1,
    UNIQUE (contact_id, number)
);
CREATE INDEX attempt_by_borrower ON attempt (borrower_id, claimed_at DESC);
CREATE INDEX attempt_claimed ON attempt (claimed_at) WHERE state = 11;
CREATE INDEX attempt_unknown ON attempt (check_at) WHERE state = 5;
CREATE SEQUENCE owner_number AS integer CYCLE;

CREATE TABLE suppression (
    suppression_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    kind smallint NOT NULL,
    borrower_id uuid,
    loan_id uuid,
    address_key text NOT NULL DEFAULT '',
    channel smallint NOT NULL DEFAULT 0,
    start_at timestamptz NOT NULL,
    end_at timestamptz,
    source text NOT NULL,
    lifted_at timestamptz
);
CREATE INDEX suppression_by_borrower ON suppression (borrower_id) WHERE lifted_at IS NULL;
CREATE INDEX suppression_by_address ON suppression (tenant_id, address_key) WHERE lifted_at IS NULL AND address_key <> '';

CREATE TABLE receipt (
    receipt_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    attempt_id uuid,
    borrower_id uuid NOT NULL,
    channel smallint NOT NULL,
    state smallint NOT NULL,
    code text NOT NULL,
    event_at timestamptz NOT NULL
);
CREATE INDEX receipt_inbound ON receipt (borrower_id, event_at DESC) WHERE state = 8;

-- Stops all sending within its scope until it is lifted.
CREATE TABLE kill_switch (
    kill_switch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid,  -- null: every tenant
    campaign_id uuid,  -- null: every campaign
    channel smallint,  -- null: every channel
    reason text NOT NULL,
    thrown_at timestamptz NOT NULL,
    lifted_at timestamptz
);
CREATE INDEX kill_switch_thrown ON kill_switch (kill_switch_id) WHERE lifted_at IS NULL;

-- First answers of calls that change something, so that a repeat gets the same.
CREATE TABLE rpc_answer (
    request_id uuid PRIMARY KEY,
    method text NOT NULL,
    answer bytea NOT NULL,
    answered_at timestamptz NOT NULL
);
CREATE INDEX rpc_answer_by_age ON rpc_answer (answered_at);

CREATE TABLE outbox (
    id bigserial PRIMARY KEY,
    topic text NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX outbox_by_topic ON outbox (topic, id);

-- The ledger: entries, the signed root over all entries before `size`, and the roots of every 256 entries.
CREATE TABLE ledger_entry (
    sequence bigint PRIMARY KEY,
    tenant_id uuid NOT NULL,
    borrower_id uuid,
    body bytea NOT NULL,
    leaf bytea NOT NULL
);
CREATE INDEX ledger_entry_by_borrower ON ledger_entry (borrower_id, sequence) WHERE borrower_id IS NOT NULL;
CREATE TABLE ledger_checkpoint (
    size bigint PRIMARY KEY,
    root bytea NOT NULL,
    peaks bytea NOT NULL,
    signed_at timestamptz NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL
);
CREATE TABLE ledger_tile (
    number bigint PRIMARY KEY,
    root bytea NOT NULL
);
CREATE TABLE ledger_key (
    key_id text PRIMARY KEY,
    public_key bytea NOT NULL,
    added_at timestamptz NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger only grows: % of % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
DO $$
DECLARE
    ledger text;
BEGIN
    FOREACH ledger IN ARRAY ARRAY['ledger_entry', 'ledger_checkpoint', 'ledger_tile', 'ledger_key'] LOOP
        EXECUTE format('CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', ledger);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO forbear_dispatcher', ledger);
        EXECUTE format('GRANT SELECT ON %I TO forbear_auditor', ledger);
    END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE ON contact, attempt, suppression, kill_switch TO forbear_dispatcher;
GRANT SELECT, INSERT ON receipt TO forbear_dispatcher;
GRANT SELECT, INSERT, DELETE ON outbox, rpc_answer TO forbear_dispatcher;
GRANT USAGE ON SEQUENCE owner_number, outbox_id_seq TO forbear_dispatcher;
