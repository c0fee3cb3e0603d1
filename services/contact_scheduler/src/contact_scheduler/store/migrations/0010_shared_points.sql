-- Two borrowers on one phone or mailbox: neither is contacted there, so that neither hears of the other's debt.

ALTER TABLE contact_point ADD COLUMN is_shared boolean NOT NULL DEFAULT false;
CREATE INDEX contact_point_by_address ON contact_point (tenant_id, address_key);
UPDATE contact_point p SET is_shared = true
FROM (SELECT tenant_id, address_key FROM contact_point WHERE address_key <> ''
      GROUP BY 1, 2 HAVING count(DISTINCT borrower_id) > 1) s
WHERE p.tenant_id = s.tenant_id AND p.address_key = s.address_key;
CREATE INDEX contact_point_shared ON contact_point (tenant_id, borrower_id) WHERE is_shared;
