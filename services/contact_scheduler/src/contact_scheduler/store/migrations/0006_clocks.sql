-- The clocks of mortgages in arrears (12 CFR 1024.39): one row for each duty of each missed due date.
CREATE TABLE duty (
    tenant_id uuid NOT NULL,
    loan_id uuid NOT NULL,
    kind smallint NOT NULL,            -- 1 live contact, 2 written notice
    due_on date NOT NULL,              -- the due date that was missed
    borrower_id uuid NOT NULL,
    by_on date NOT NULL,               -- last day
    state smallint NOT NULL,           -- 1 open, 2 met, 3 ended, 4 missed
    met_on date,
    at_risk_on date,                   -- since when a person is asked to see to it
    risk text NOT NULL DEFAULT '',     -- what stands in the way, as a short constant
    PRIMARY KEY (tenant_id, loan_id, kind, due_on)
);
CREATE INDEX duty_open ON duty (tenant_id, by_on) WHERE state = 1;
CREATE INDEX duty_at_risk ON duty (kind) WHERE state = 1 AND at_risk_on IS NOT NULL;

-- What the tenant tells of itself: somebody spoke with the borrower, the letter went out.
CREATE TABLE duty_event (
    tenant_id uuid NOT NULL,
    loan_id uuid NOT NULL,
    kind smallint NOT NULL,
    happened_on date NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, loan_id, kind, happened_on)
);

-- The day up to which a tenant's clocks were looked at.
CREATE TABLE duty_watch (
    tenant_id uuid PRIMARY KEY,
    watched_on date NOT NULL
);

ALTER TABLE contact ADD COLUMN purpose smallint NOT NULL DEFAULT 1;  -- forbear.types.v1.Purpose: 1 reminder, 5 duty
CREATE INDEX contact_of_duty ON contact (tenant_id, loan_id, not_before) WHERE purpose = 5;
GRANT SELECT, INSERT, UPDATE, DELETE ON duty, duty_event, duty_watch TO forbear_scheduler;
