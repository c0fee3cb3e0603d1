-- The story of one borrower is told to the person who takes over.
CREATE INDEX promise_by_borrower ON promise (tenant_id, borrower_id, made_at);
CREATE INDEX arrangement_by_borrower ON arrangement (tenant_id, borrower_id, agreed_at);
CREATE INDEX payment_by_borrower ON payment (tenant_id, borrower_id, paid_at);
CREATE INDEX follow_up_by_borrower ON follow_up (tenant_id, borrower_id, due_at)
    WHERE released_at IS NULL AND cancelled_at IS NULL;
