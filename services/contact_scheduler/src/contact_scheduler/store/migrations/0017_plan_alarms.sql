-- What was wrong with the model or its data when the plan was made: [{kind, subject, value}].
ALTER TABLE plan_run ADD COLUMN alarms jsonb NOT NULL DEFAULT '[]';
