"""CPU time and memory of reading replies, against the limits of 2.5 ms a reply and 300 MiB.

Reads the held-out author files (and, where it is there, the measured sample of replies) five times each and reports the
median CPU time. Run: ``.venv/bin/python bench/replies_read.py``.
"""

import json
import os
import resource
import statistics
import time
from pathlib import Path

from forbear_replies import Reader
from forbear_replies.items import Item, author_items
from forbear_replies.records import read_records

CPU_MS_MAX = 2.5
RSS_MIB_MAX = 300
ROUNDS = 5
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure and print."""
    reader = Reader.load()
    items = [*author_items(ROOT / "training/replies"), *_sample()]
    _read_all(reader, items)
    cpu_ms = statistics.median(_read_all(reader, items) for _ in range(ROUNDS))
    slowest_ms = max(_read_all(reader, [item]) for item in items)
    rss_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(items)} replies, median of {ROUNDS} rounds")
    print(f"  CPU a reply   {cpu_ms:7.3f} ms   limit {CPU_MS_MAX} ms   slowest {slowest_ms:.2f} ms")
    print(f"  peak memory   {rss_mib:7.1f} MiB  limit {RSS_MIB_MAX} MiB")
    _say("replies_read_cpu_ms", cpu_ms, CPU_MS_MAX)
    _say("replies_read_rss_mib", rss_mib, RSS_MIB_MAX)


def _sample() -> list[Item]:
    shared = Path(os.environ.get("FORBEAR_SHARED", ROOT.parent / "shared")) / "cases/replies_sample.jsonl"
    if not shared.exists():
        return []
    with shared.open("rb") as stream:
        return [item for item in read_records(stream) if isinstance(item, Item)]


def _read_all(reader: Reader, items: list[Item]) -> float:
    """CPU milliseconds a reply."""
    started = time.process_time()
    for item in items:
        reader.read(item.text, lang=item.lang, channel=item.channel, received_at=item.received_at)
    return (time.process_time() - started) * 1000 / len(items)


def _say(name: str, value: float, limit: float) -> None:
    line = {"name": name, "value": round(value, 3), "reference": limit, "ratio": round(value / limit, 3)}
    print(json.dumps(line | {"goal": "at most 1.0", "ok": value <= limit}))


if __name__ == "__main__":
    main()
