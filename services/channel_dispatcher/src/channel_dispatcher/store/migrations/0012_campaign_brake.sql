-- The brake counts a cell by campaign, because a campaign may tolerate more or less than its tenant.
-- The campaign of zeros stands for contacts without one; what was counted before it was told apart stays under it.

ALTER TABLE brake_cell ADD COLUMN campaign_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
ALTER TABLE brake_cell DROP CONSTRAINT brake_cell_pkey;
ALTER TABLE brake_cell ADD PRIMARY KEY (tenant_id, template, sender, segment, campaign_id);

-- Here the campaign of zeros stands for what the tenant tolerates wherever a campaign says nothing else.
ALTER TABLE brake_tolerance ADD COLUMN campaign_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
ALTER TABLE brake_tolerance DROP CONSTRAINT brake_tolerance_pkey;
ALTER TABLE brake_tolerance ADD PRIMARY KEY (tenant_id, campaign_id, signal);

-- Two replicas that find at the same moment that a cell hurts throw one switch, not two. Where they threw two before, the
-- first one goes on to stop what both did.
UPDATE kill_switch AS twin SET lifted_at = twin.thrown_at
WHERE lifted_at IS NULL AND EXISTS (
    SELECT FROM kill_switch AS first
    WHERE first.lifted_at IS NULL AND first.kill_switch_id < twin.kill_switch_id
      AND (first.tenant_id, first.campaign_id, first.channel, first.provider, first.template, first.sender, first.segment,
           first.is_slow)
        IS NOT DISTINCT FROM
          (twin.tenant_id, twin.campaign_id, twin.channel, twin.provider, twin.template, twin.sender, twin.segment,
           twin.is_slow));
CREATE UNIQUE INDEX kill_switch_same ON kill_switch (
    coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'),
    coalesce(campaign_id, '00000000-0000-0000-0000-000000000000'),
    coalesce(channel, 0), coalesce(provider, ''), coalesce(template, ''), coalesce(sender, ''), coalesce(segment, ''),
    is_slow) WHERE lifted_at IS NULL;
