-- When to ask whether a borrower told us of an opt-out that a provider's refusal told us of first. NULL: nothing to ask.
ALTER TABLE suppression ADD COLUMN check_at timestamptz;
CREATE INDEX suppression_to_check ON suppression (check_at) WHERE check_at IS NOT NULL;
