-- Whether the lender's file says that the borrower was promised a reminder: no lot leaves them alone.
ALTER TABLE borrower ADD COLUMN reminder_promised boolean NOT NULL DEFAULT false;
