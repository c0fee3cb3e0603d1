-- A plan asks for pauses as they stood at its tick, lifted since or not: an index over the open ones does not serve it.
CREATE INDEX pause_by_borrower ON pause (tenant_id, borrower_id);
DROP INDEX pause_of_borrower;
