-- The brake counts a cell by campaign, because a campaign may tolerate more or less than its tenant.
-- The campaign of zeros stands for contacts without one; what was counted before it was told apart stays under it.

ALTER TABLE brake_cell ADD COLUMN campaign_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
ALTER TABLE brake_cell DROP CONSTRAINT brake_cell_pkey;
ALTER TABLE brake_cell ADD PRIMARY KEY (tenant_id, template, sender, segment, campaign_id);

-- Here the campaign of zeros stands for what the tenant tolerates wherever a campaign says nothing else.
ALTER TABLE brake_tolerance ADD COLUMN campaign_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
ALTER TABLE brake_tolerance DROP CONSTRAINT brake_tolerance_pkey;
ALTER TABLE brake_tolerance ADD PRIMARY KEY (tenant_id, campaign_id, signal);

-- Two replicas that find at the same moment that a cell hurts throw one switch, not two.
CREATE UNIQUE INDEX kill_switch_same ON kill_switch (
    coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'),
    coalesce(campaign_id, '00000000-0000-0000-0000-000000000000'),
    coalesce(channel, 0), coalesce(provider, ''), coalesce(template, ''), coalesce(sender, ''), coalesce(segment, ''),
    is_slow) WHERE lifted_at IS NULL;
