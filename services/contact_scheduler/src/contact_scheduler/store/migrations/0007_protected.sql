-- The plan asks who was in hardship or with a person within a year, lifted or not; and what became of contacts.
CREATE INDEX pause_of_protected ON pause (tenant_id, borrower_id) WHERE kind IN (8, 12);
CREATE INDEX contact_sent ON contact (tenant_id, sent_at) WHERE state = 1;
