-- Contacts that the gate refused because their address was used for another borrower just before.
CREATE INDEX contact_refused_as_shared ON contact (tenant_id, not_before)
    WHERE state = 2 AND outcome_reason = 'HOUSE-SHARED';
