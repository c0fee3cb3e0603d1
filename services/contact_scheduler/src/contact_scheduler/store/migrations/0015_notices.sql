-- Written notices that a tenant has given about a loan, where a rule asks for one before the first contact.
CREATE TABLE notice_given (
    tenant_id uuid NOT NULL,
    loan_id uuid NOT NULL,
    notice text NOT NULL,              -- as the rule names it, such as "agency"
    given_on date NOT NULL,
    recorded_by text NOT NULL,         -- name of the API key
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, loan_id, notice)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON notice_given TO forbear_scheduler;
