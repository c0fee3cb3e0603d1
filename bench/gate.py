"""The gate for a batch of 500: facts from PostgreSQL, verdicts by law, and nothing else of the path.

    .venv/bin/python bench/gate.py

A batch is leased, the history of its borrowers is read (each has three earlier attempts), and each contact is decided;
then the transaction is rolled back, so that every round sees the same queue. CPU of this process a contact, with all
database round trips, median of the rounds; the limit is the goal itself.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import structlog
import uvloop

from channel_dispatcher.gate import judge, remembered
from channel_dispatcher.store import claims
from channel_dispatcher.store.policies import Policies
from forbear_chassis.process import keep_freed_memory, spare_collector
from forbear_domain.model import Channel
from forbear_domain.policy import load_packs
from forbear_sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from tests.integration.dispatcher.stage import Stage, make_contact, migrate_dispatcher, open_stage
from tests.kit.databases import fresh_database, make_template
from tests.kit.manual_clock import ManualClock

BATCH, ROUNDS, LIMIT_US = 500, 15, 40.0
PAST = (30, 20, 10)  # days ago of the earlier attempts at each borrower

EARLIER = """
INSERT INTO attempt (attempt_id, contact_id, tenant_id, borrower_id, loan_id, channel, purpose, number, address_key,
                     state, owner, claimed_at, provider, sender)
SELECT gen_random_uuid(), gen_random_uuid(), tenant_id, borrower_id, loan_id, channel, purpose, 1, 'key',
       1, 0, $1, 'twilio_sms', '+12125550100' FROM contact
"""


class Rollback(Exception):
    """Ends a round as if it had never been."""


async def one_round(stage: Stage, policies: Policies) -> tuple[float, Counter[str]]:
    """Return the CPU us a contact of one batch, and how many verdicts there were of each kind."""
    packs, now, cpu_us, outcomes = load_packs(), stage.clock.now(), 0.0, Counter[str]()
    try:
        started_s = time.process_time()
        async with claims.open_claim(stage.pool, Channel.SMS, BATCH, now) as batch:
            history = await claims.history_of(batch.connection, batch.contacts, now, remembered(packs))
            in_force = await policies.of(batch.connection, {contact.tenant_id for contact in batch.contacts})
            judged = judge(batch.contacts, history, packs, in_force, now)
            cpu_us = (time.process_time() - started_s) / len(judged) * 1e6
            outcomes = Counter(one.verdict.outcome.name for one in judged)
            raise Rollback
    except Rollback:
        return cpu_us, outcomes


async def main() -> None:
    """Fill the queue, take the rounds and print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    clock = ManualClock()
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder)) as postgres,
        EmbeddedValkey(Path(folder)) as valkey,
    ):
        make_template(postgres)
        with fresh_database(postgres) as database:
            await migrate_dispatcher(database)
            stage = await open_stage(database, valkey.url, clock)
            await stage.submit(*[make_contact(number, clock.now()) for number in range(BATCH)])
            for days in PAST:
                await stage.pool.execute(EARLIER, clock.now() - timedelta(days=days))
            await stage.pool.execute("ANALYZE")
            spare_collector()
            keep_freed_memory()
            policies = Policies(load_packs())
            rounds = [await one_round(stage, policies) for _ in range(ROUNDS)]
            await stage.close()
    cpu_us = statistics.median(cost for cost, _ in rounds[1:])
    print(f"{ROUNDS} batches of {BATCH} contacts with {len(PAST)} earlier attempts each: {dict(rounds[-1][1])}\n")
    print(f"gate with its round trips {cpu_us:8.1f} us of CPU a contact (goal {LIMIT_US:.0f})\n")
    line = {"name": "gate", "value": round(cpu_us, 1), "reference": LIMIT_US, "ratio": round(cpu_us / LIMIT_US, 2)}
    print(json.dumps({**line, "goal": "at most 40 us of CPU a contact", "ok": cpu_us <= LIMIT_US}))


if __name__ == "__main__":
    uvloop.run(main())
