"""The rate limiter under eight processes: never above the limit, nearly all of it used, and what a token costs.

    .venv/bin/python bench/limiter.py

Eight processes ask for batches as fast as they may for ten seconds; Valkey is restarted (with its memory lost) in the
middle of a second run. Every grant is logged with the instant that the server gave it at; the most in any one second,
wherever it starts, is counted over all processes. CPU a token is that of all client processes together. Beside it: a
call for each token.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import tempfile
import time
from bisect import bisect_left
from datetime import UTC, datetime
from pathlib import Path

from channel_dispatcher.limits import Demand, Limiter, Window
from forbear_chassis.redis import RedisUnavailable, open_redis
from forbear_sandbox.servers import EmbeddedValkey

PROCESSES, LIMIT, SECONDS, BATCH = 8, 2_000, 10.0, 100
Grant = tuple[int, int]  # server's microseconds, tokens


async def ask(url: str, limit: int, batch: int, seconds: float) -> tuple[list[Grant], float]:
    """Ask as fast as allowed; return the grants and the CPU seconds used."""
    client = open_redis(url)
    limiter, demands = Limiter(client, "bench", None), [Demand(1, (Window("account", 1, limit),))] * batch
    grants: list[Grant] = []
    stop_at, cpu_started = time.monotonic() + seconds, time.process_time()
    now = datetime.now(UTC)
    while time.monotonic() < stop_at:
        try:
            answer = await limiter.take(demands, now)
            count = sum(answer.granted)
            if count:
                grants.append((answer.at_us, count))
            if answer.retry_at is not None:
                await asyncio.sleep((answer.retry_at - now).total_seconds())
        except RedisUnavailable:
            await asyncio.sleep(0.05)
    cpu_s = time.process_time() - cpu_started
    await client.aclose()
    return grants, cpu_s


def run(arguments: tuple[str, int, int, float]) -> tuple[list[Grant], float]:
    return asyncio.run(ask(*arguments))


def most_in_a_second(grants: list[Grant]) -> int:
    """Return the most tokens in any second that starts with a grant."""
    ordered = sorted(grants)
    times = [at for at, _ in ordered]
    sums = [0]
    for _, count in ordered:
        sums.append(sums[-1] + count)
    return max(sums[bisect_left(times, at + 1_000_000)] - sums[n] for n, at in enumerate(times))


def mean_use(grants: list[Grant]) -> float:
    """Return the part of the limit that was used in spans of whole seconds, over all ways to lay them."""
    ordered = sorted(grants)
    times = [at for at, _ in ordered]
    first, seconds = times[0], int(SECONDS) - 2
    uses = []
    for offset_us in range(0, 1_000_000, 10_000):
        start = bisect_left(times, first + offset_us)
        stop = bisect_left(times, first + offset_us + seconds * 1_000_000)
        uses.append(sum(count for _, count in ordered[start:stop]) / (LIMIT * seconds))
    return sum(uses) / len(uses)


def measure(server: EmbeddedValkey, *, restart: bool) -> tuple[list[Grant], float]:
    """Run all processes; where asked, kill the server in the middle and start it empty."""
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        pending = pool.map_async(run, [(server.url, LIMIT, BATCH, SECONDS)] * PROCESSES)
        if restart:
            time.sleep(SECONDS / 2)
            server.kill()
            server.start()
            server.command("FLUSHALL")
        results = pending.get()
    return [grant for grants, _ in results for grant in grants], sum(cpu_s for _, cpu_s in results)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder)) as server:
        steady, cpu_s = measure(server, restart=False)
        server.command("FLUSHALL")
        broken, _ = measure(server, restart=True)
        server.command("FLUSHALL")
        single, single_cpu_s = asyncio.run(ask(server.url, 1_000_000, 1, 3.0))
        leased, leased_cpu_s = asyncio.run(ask(server.url, 100_000_000, 500, 3.0))
    used = mean_use(steady)
    worst, worst_broken = most_in_a_second(steady) / LIMIT, most_in_a_second(broken) / LIMIT
    token_us = leased_cpu_s * 1e6 / sum(count for _, count in leased)
    single_us = single_cpu_s * 1e6 / sum(count for _, count in single)
    print(f"{PROCESSES} processes, limit {LIMIT}/s, batches of {BATCH}, {SECONDS:.0f} s\n")
    print(f"most in any one second             {worst:>8.3f} of the limit")
    print(f"the same, server restarted empty   {worst_broken:>8.3f} of the limit")
    print(f"used on average                    {used:>8.3f} of the limit ({cpu_s:.1f} s CPU in all)")
    print(f"CPU a token, 500 a call            {token_us:>8.2f} us")
    print(f"CPU a token, a call each           {single_us:>8.2f} us\n")
    for name, value, reference, goal, is_good in (
        ("limiter_worst_second", worst, 1.0, 1.0, worst <= 1.0),
        ("limiter_worst_second_restarted", worst_broken, 1.0, 1.0, worst_broken <= 1.0),
        ("limiter_used", used, 1.0, 0.98, used >= 0.98),
        ("limiter_token_us", token_us, single_us, 2.0, token_us <= 2.0),
    ):
        line = {"name": name, "value": round(value, 4), "reference": round(reference, 2)}
        print(json.dumps({**line, "ratio": round(value / reference, 4), "goal": goal, "ok": bool(is_good)}))


if __name__ == "__main__":
    main()
