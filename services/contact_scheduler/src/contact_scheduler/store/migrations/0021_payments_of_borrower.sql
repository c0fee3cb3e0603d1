-- Who reached a campaign's goal asks for the payments of its borrowers, not for all that a tenant was ever paid.
CREATE INDEX payment_of_borrower ON payment (tenant_id, borrower_id, paid_at) INCLUDE (amount, currency);
