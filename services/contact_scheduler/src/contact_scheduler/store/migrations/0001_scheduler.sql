-- What the contact scheduler owns. Every table carries its tenant, first in the key, so that tenants can be spread over
-- databases without a change of code. Channels and kinds are the numbers of the wire; money is in minor units.

CREATE TABLE tenant (
    tenant_id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    brand text NOT NULL,
    actor text NOT NULL,
    recipient bytea NOT NULL,          -- wire fields of Recipient that every contact of the tenant shares
    created_at timestamptz NOT NULL
);

CREATE TABLE api_key (
    digest bytea PRIMARY KEY,          -- SHA-256 of the key; the key itself is nowhere
    tenant_id uuid NOT NULL REFERENCES tenant,
    name text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE TABLE console_session (
    digest bytea PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant,
    expires_at timestamptz NOT NULL
);

CREATE TABLE idempotency (
    tenant_id uuid NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,             -- of method, path and body
    status smallint NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

-- Distinct sets of evidence for where somebody may be; thousands, shared by millions of borrowers.
CREATE TABLE place (
    place_id bigint PRIMARY KEY,
    zones text[] NOT NULL,             -- the firmest first; an empty name means that no zone is known: no contact
    regions text[] NOT NULL
);

CREATE TABLE borrower (
    tenant_id uuid NOT NULL,
    borrower_id uuid NOT NULL,
    ref text NOT NULL,
    place_id bigint NOT NULL,
    language text NOT NULL,
    employment smallint NOT NULL,      -- -1 unknown
    region text NOT NULL,
    monthly_income bigint,
    unemployment_pct real,
    preferred_channel smallint,        -- as imported: the model may weigh it
    wished_channel smallint,           -- as the borrower told us: binding; a later wish replaces an earlier one
    wished_hour_start smallint,
    wished_hour_end smallint,
    wished_at timestamptz,
    wish bytea NOT NULL DEFAULT '',    -- wire fields of Recipient that override the imported ones
    digest bytea NOT NULL,             -- of the row as it was imported
    PRIMARY KEY (tenant_id, borrower_id)
);

CREATE TABLE loan (
    tenant_id uuid NOT NULL,
    loan_id uuid NOT NULL,
    borrower_id uuid NOT NULL,
    ref text NOT NULL,
    product text NOT NULL,
    currency text NOT NULL,
    balance bigint NOT NULL,
    past_due bigint NOT NULL,
    instalment bigint NOT NULL,
    past_due_days integer NOT NULL,
    due_on date,
    missed_payments_12m smallint NOT NULL,
    kept_promises smallint NOT NULL,
    broken_promises smallint NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (tenant_id, loan_id)
);
CREATE INDEX loan_of_borrower ON loan (tenant_id, borrower_id);

CREATE TABLE contact_point (
    tenant_id uuid NOT NULL,
    borrower_id uuid NOT NULL,
    channel smallint NOT NULL,
    consent_on date,                   -- null: no consent, never contacted
    consent_source text NOT NULL,
    recipient bytea NOT NULL,          -- wire fields of Recipient: address, kind, language, places, consent
    PRIMARY KEY (tenant_id, borrower_id, channel)
);

CREATE TABLE import_job (
    tenant_id uuid NOT NULL,
    import_id uuid NOT NULL,
    state text NOT NULL,               -- running, completed, failed
    digest bytea NOT NULL DEFAULT '',
    rows_read bigint NOT NULL DEFAULT 0,
    rows_created bigint NOT NULL DEFAULT 0,
    rows_changed bigint NOT NULL DEFAULT 0,
    rows_unchanged bigint NOT NULL DEFAULT 0,
    rows_rejected bigint NOT NULL DEFAULT 0,
    failure text NOT NULL DEFAULT '',
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, import_id)
);

CREATE TABLE import_error (
    tenant_id uuid NOT NULL,
    import_id uuid NOT NULL,
    line bigint NOT NULL,
    field text NOT NULL,
    mend text NOT NULL,
    PRIMARY KEY (tenant_id, import_id, line, field)
);

CREATE TABLE campaign (
    tenant_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    name text NOT NULL,
    goal text NOT NULL,
    audience jsonb NOT NULL,
    channels smallint[] NOT NULL,
    rest_days real NOT NULL,
    contacts_a_week_max smallint NOT NULL,
    control_share real NOT NULL,
    hour_start smallint NOT NULL,
    hour_end smallint NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    state text NOT NULL,               -- draft, active, paused, cancelled, completed
    next_plan_at timestamptz,          -- set while active
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, campaign_id)
);
CREATE INDEX campaign_to_plan ON campaign (next_plan_at) WHERE state = 'active';

CREATE TABLE plan_run (
    tenant_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    day date NOT NULL,                 -- planned once: the day of the tick
    tick_at timestamptz NOT NULL,
    horizon_at timestamptz NOT NULL,
    model_version integer NOT NULL,
    counts jsonb NOT NULL,             -- borrowers by what became of them in this plan
    prices real[] NOT NULL,            -- [channel][hour]: what one more place would bring
    gap real NOT NULL,                 -- 1 - reached / bound
    PRIMARY KEY (tenant_id, campaign_id, day)
);

CREATE TABLE contact (
    tenant_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    borrower_id uuid NOT NULL,
    loan_id uuid NOT NULL,
    channel smallint NOT NULL,
    slot smallint NOT NULL,            -- hour of the week on the borrower's clock, 0 to 167
    arm smallint NOT NULL,             -- 1 planned, 2 explored, 3 control
    propensity real NOT NULL,
    probability real NOT NULL,
    value real NOT NULL,
    treatment text NOT NULL,
    template text NOT NULL,
    reason jsonb NOT NULL,
    features bytea NOT NULL,           -- what the model saw, float32
    state smallint NOT NULL,           -- 0 planned, 6 released, 7 cancelled; 1 to 5 as on the wire
    outcome_reason text NOT NULL DEFAULT '',
    not_before timestamptz NOT NULL,
    expire_at timestamptz NOT NULL,
    sent_at timestamptz,
    responded_at timestamptz,          -- the first answer, whenever it came
    learned_at timestamptz,            -- tick at which the model took it in
    PRIMARY KEY (contact_id, tenant_id) -- the dispatcher names contacts by their id alone
);
CREATE INDEX contact_of_borrower ON contact (tenant_id, borrower_id, not_before);
CREATE INDEX contact_of_campaign ON contact (tenant_id, campaign_id, not_before);
CREATE INDEX contact_to_release ON contact (tenant_id, campaign_id, not_before, contact_id) WHERE state = 0;
CREATE INDEX contact_to_expire ON contact (expire_at) WHERE state = 0;
CREATE INDEX contact_to_learn ON contact (tenant_id, sent_at) WHERE state = 1 AND learned_at IS NULL;

CREATE TABLE response (
    tenant_id uuid NOT NULL,
    response_id uuid NOT NULL,
    borrower_id uuid NOT NULL,
    contact_id uuid,
    kind smallint NOT NULL,
    channel smallint NOT NULL,
    event_at timestamptz NOT NULL,
    attributed_at timestamptz,         -- tick at which a contact was sought for it
    PRIMARY KEY (tenant_id, response_id)
);
CREATE INDEX response_of_borrower ON response (tenant_id, borrower_id, event_at);
CREATE INDEX response_to_attribute ON response (tenant_id, event_at) WHERE contact_id IS NULL AND attributed_at IS NULL;

-- Why a borrower is left in peace. Rows are facts: they are added and lifted, never changed otherwise.
CREATE TABLE pause (
    tenant_id uuid NOT NULL,
    pause_id uuid NOT NULL,            -- the response or payment that caused it
    borrower_id uuid NOT NULL,
    kind smallint NOT NULL,            -- number of the ResponseKind
    since timestamptz NOT NULL,
    until timestamptz,
    lifted_at timestamptz,
    PRIMARY KEY (tenant_id, pause_id)
);
CREATE INDEX pause_of_borrower ON pause (tenant_id, borrower_id) WHERE lifted_at IS NULL;

CREATE TABLE payment (
    tenant_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    borrower_id uuid NOT NULL,
    loan_id uuid NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    paid_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, payment_id)
);

CREATE TABLE model_state (
    tenant_id uuid NOT NULL,
    version integer NOT NULL,
    blob bytea NOT NULL,
    outcomes bigint NOT NULL,
    summary bytea NOT NULL,            -- coefficients and how well each is known: what other tenants' priors see
    learned_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, version)
);

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    body bytea NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA scheduler TO forbear_scheduler;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA scheduler TO forbear_scheduler;
REVOKE INSERT, UPDATE, DELETE ON migration FROM forbear_scheduler;
