-- Attempts as the dispatcher told them: what comes back is found here by id, by provider reference, or by address and sender.
CREATE TABLE attempt (
    id            uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL,
    contact_id    uuid NOT NULL,
    campaign_id   uuid,
    borrower_id   uuid NOT NULL,
    loan_id       uuid NOT NULL,
    channel       smallint NOT NULL,
    purpose       smallint NOT NULL,
    template      text NOT NULL,
    address       text NOT NULL,
    sender        text NOT NULL,
    provider      text NOT NULL,
    provider_ref  text NOT NULL,
    state         smallint NOT NULL,          -- forbear.types.v1.ContactState: ACCEPTED or UNKNOWN
    send_at       timestamptz NOT NULL,
    local_hour    smallint NOT NULL,          -- on the borrower's clock, 0 to 23
    segment       text NOT NULL,
    contact       bytea NOT NULL,             -- forbear.types.v1.Contact as it was submitted
    receipt_state smallint NOT NULL DEFAULT 0, -- forbear.dispatcher.v1.ReceiptState; only moves forward
    receipt_at    timestamptz,
    responded_at  timestamptz                 -- first response of a person that is attributed to it
);
CREATE INDEX attempt_by_provider_ref ON attempt (provider_ref) WHERE provider_ref <> '';
CREATE INDEX attempt_by_address ON attempt (address, sender, send_at DESC);
CREATE INDEX attempt_by_borrower ON attempt (tenant_id, borrower_id, send_at DESC);
CREATE INDEX attempt_by_slot ON attempt (tenant_id, campaign_id, channel, local_hour, segment);

-- What came in, as it came, durable before it is acknowledged. The id follows from the provider's own ids.
CREATE TABLE event (
    id           uuid PRIMARY KEY,
    tenant_id    uuid,                        -- known once the event is attributed
    kind         smallint NOT NULL,           -- response_tracker.events.Kind
    attempt_id   uuid,                        -- as named by the address it came to; absent where only numbers tell
    body         bytea NOT NULL,
    received_at  timestamptz NOT NULL,
    tries        smallint NOT NULL DEFAULT 0,
    processed_at timestamptz,
    fate         text                         -- what became of it, as a short constant
);
CREATE INDEX event_of_page ON event (attempt_id) WHERE kind = 6; -- acts on the page of one attempt
CREATE INDEX event_waiting ON event (received_at, id) WHERE processed_at IS NULL;

-- What a borrower did, attributed where it can be.
CREATE TABLE response (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    borrower_id uuid NOT NULL,
    event_id    uuid,
    attempt_id  uuid,
    contact_id  uuid,
    kind        smallint NOT NULL,            -- forbear.types.v1.ResponseKind
    channel     smallint NOT NULL,
    attribution text NOT NULL,                -- direct, window or none
    event_at    timestamptz NOT NULL
);
CREATE INDEX response_by_borrower ON response (tenant_id, borrower_id, event_at);

-- The transcript. Words of borrowers are kept here and in the raw event, nowhere else.
CREATE TABLE message (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    borrower_id uuid NOT NULL,
    is_inbound  boolean NOT NULL,
    channel     smallint NOT NULL,
    at          timestamptz NOT NULL,
    text        text NOT NULL,                -- inbound: the words; outbound: the template's id
    labels      text[] NOT NULL DEFAULT '{}',
    confidence  real,
    language    text NOT NULL
);
CREATE INDEX message_by_borrower ON message (tenant_id, borrower_id, at DESC);

-- The options that were put to a borrower, so that "1" means exactly what was offered.
CREATE TABLE offer (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    borrower_id uuid NOT NULL,
    loan_id     uuid NOT NULL,
    terms       jsonb NOT NULL,
    offered_at  timestamptz NOT NULL,
    expire_at   timestamptz NOT NULL,
    chosen      smallint
);
CREATE INDEX offer_by_borrower ON offer (tenant_id, borrower_id, offered_at DESC);

CREATE TABLE promise (
    id           uuid PRIMARY KEY,
    tenant_id    uuid NOT NULL,
    borrower_id  uuid NOT NULL,
    loan_id      uuid NOT NULL,
    attempt_id   uuid NOT NULL,               -- whose recipient the follow-ups go to
    channel      smallint NOT NULL,
    amount_minor bigint,
    currency     text NOT NULL,
    due_on       date NOT NULL,
    made_at      timestamptz NOT NULL,
    settle_at    timestamptz NOT NULL,        -- when it counts as missed
    paid_minor   bigint NOT NULL DEFAULT 0,
    state        smallint NOT NULL            -- forbear_domain.arrangements.PromiseState
);
CREATE INDEX promise_by_loan ON promise (tenant_id, loan_id, due_on);
CREATE INDEX promise_to_settle ON promise (settle_at) WHERE state = 1;

CREATE TABLE arrangement (
    id             uuid PRIMARY KEY,
    tenant_id      uuid NOT NULL,
    borrower_id    uuid NOT NULL,
    loan_id        uuid NOT NULL,
    attempt_id     uuid NOT NULL,
    channel        smallint NOT NULL,
    option         smallint NOT NULL,         -- forbear_domain.arrangements.Option
    currency       text NOT NULL,
    deferred_minor bigint NOT NULL,
    agreed_at      timestamptz NOT NULL,
    state          smallint NOT NULL,         -- forbear_domain.arrangements.ArrangementState
    settle_at      timestamptz                -- when the next thing falls due that nobody did
);
CREATE INDEX arrangement_by_loan ON arrangement (tenant_id, loan_id);
CREATE INDEX arrangement_to_settle ON arrangement (settle_at) WHERE settle_at IS NOT NULL;

CREATE TABLE instalment (
    arrangement_id uuid NOT NULL REFERENCES arrangement,
    tenant_id      uuid NOT NULL,
    number         smallint NOT NULL,
    due_on         date NOT NULL,
    amount_minor   bigint NOT NULL,
    paid_minor     bigint NOT NULL DEFAULT 0,
    is_missed      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (arrangement_id, number)
);

CREATE TABLE payment (
    id             uuid PRIMARY KEY,
    tenant_id      uuid NOT NULL,
    borrower_id    uuid NOT NULL,
    loan_id        uuid NOT NULL,
    amount_minor   bigint NOT NULL,
    currency       text NOT NULL,
    paid_at        timestamptz NOT NULL,
    past_due_minor bigint NOT NULL
);
CREATE INDEX payment_by_loan ON payment (tenant_id, loan_id, paid_at);

-- Contacts that are to follow; the id is the contact's. Body is the whole contact; the gate has the last word on when.
CREATE TABLE follow_up (
    id           uuid PRIMARY KEY,
    tenant_id    uuid NOT NULL,
    borrower_id  uuid NOT NULL,
    cause_id     uuid NOT NULL,               -- promise, arrangement or event
    step         text NOT NULL,
    due_at       timestamptz NOT NULL,
    body         bytea NOT NULL,
    released_at  timestamptz,
    cancelled_at timestamptz
);
CREATE INDEX follow_up_due ON follow_up (due_at, id) WHERE released_at IS NULL AND cancelled_at IS NULL;
CREATE INDEX follow_up_by_cause ON follow_up (cause_id);

-- The queue of people. `due_at` is when somebody must have looked.
CREATE TABLE hand_over (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    borrower_id uuid NOT NULL,
    loan_id     uuid NOT NULL,
    event_id    uuid NOT NULL,
    reason      text NOT NULL,                -- response_tracker.decision.Reason
    opened_at   timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    closed_at   timestamptz,
    closed_by   text
);
CREATE INDEX hand_over_open ON hand_over (tenant_id, due_at) WHERE closed_at IS NULL;

CREATE TABLE preference (
    tenant_id   uuid NOT NULL,
    borrower_id uuid NOT NULL,
    kind        text NOT NULL,                -- channel, hours, language
    value       jsonb NOT NULL,
    event_id    uuid NOT NULL,
    stated_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, borrower_id, kind)
);

-- Suppressions on their way to the dispatcher and in force there.
CREATE TABLE suppression (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    event_id    uuid NOT NULL,
    cause_id    uuid NOT NULL,                -- event, promise or arrangement: lifting goes by it
    kind        smallint NOT NULL,            -- forbear.types.v1.SuppressionKind
    borrower_id uuid,
    body        bytea NOT NULL,
    made_at     timestamptz NOT NULL,
    in_force_at timestamptz,
    lift_reason text,
    lifted_at   timestamptz
);
CREATE INDEX suppression_to_apply ON suppression (made_at, id) WHERE in_force_at IS NULL;
CREATE INDEX suppression_to_lift ON suppression (made_at, id) WHERE lift_reason IS NOT NULL AND lifted_at IS NULL;
CREATE INDEX suppression_by_event ON suppression (event_id);
CREATE INDEX suppression_by_cause ON suppression (cause_id);
CREATE INDEX suppression_by_borrower ON suppression (tenant_id, borrower_id, kind);

-- Facts on their way to the other services (forbear_chassis.outbox). Rows live for seconds; tenants are inside the body.
CREATE TABLE outbox (
    id    bigserial PRIMARY KEY,
    topic text NOT NULL,
    body  bytea NOT NULL
);
CREATE INDEX outbox_by_topic ON outbox (topic, id);

GRANT SELECT, INSERT, UPDATE ON attempt, event, response, message, offer, promise, arrangement, instalment, payment,
    follow_up, hand_over, preference, suppression TO forbear_tracker;
GRANT SELECT, INSERT, DELETE ON outbox TO forbear_tracker;
GRANT USAGE ON SEQUENCE outbox_id_seq TO forbear_tracker;
