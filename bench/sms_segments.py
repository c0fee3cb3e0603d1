"""SMS parts: cost of the counter beside one that looks at each character, and agreement with Twilio's own counter.

    .venv/bin/python bench/sms_segments.py
    FORBEAR_SMS_ORACLE=/path/to/node_modules .venv/bin/python bench/sms_segments.py   # npm sms-segments-calculator

Without the oracle only the cost is measured. Texts are drawn from seed 7, around every limit.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import time
from collections.abc import Callable

from forbear_domain.messages import Catalogue, segments
from forbear_domain.messages.lint import sample
from forbear_domain.messages.segments import GSM7_BASIC, GSM7_EXTENSION
from forbear_domain.model import Channel

CASES = 20_000
RENDER_US_MAX, MAIL_US_MAX = 10.0, 30.0
LIMITS = [69, 70, 71, 133, 134, 135, 152, 153, 154, 159, 160, 161, 305, 306, 307]
BASIC = GSM7_BASIC.replace("\r", "")
ALPHABETS = [BASIC, BASIC * 3 + GSM7_EXTENSION.replace("\f", "") * 5, "你好请回复退订abc 123，。", "你好ab😀𝒳é "]
ORACLE = """
const {SegmentedMessage} = require('sms-segments-calculator');
const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(texts.map(text => new SegmentedMessage(text).segments.length)));
"""


def drawn_texts() -> list[str]:
    """Draw texts of every alphabet, many of them at the limits."""
    lots = random.Random(7)
    sizes = [lots.choice([lots.randint(1, 400), *LIMITS]) for _ in range(CASES)]
    return ["".join(lots.choices(ALPHABETS[number % 4], k=size)) for number, size in enumerate(sizes)]


def by_character(text: str) -> int:
    """Count parts the usual way: character by character."""
    widths = [1 if c in GSM7_BASIC else 2 if c in GSM7_EXTENSION else 0 for c in text]
    if all(widths):
        single, multi = 160, 153
    else:
        widths, single, multi = [1 if c < "\U00010000" else 2 for c in text], 70, 67
    if sum(widths) <= single:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > multi:
            parts, used = parts + 1, 0
        used += width
    return parts


def cpu_us(work: Callable[[], object], times: int) -> float:
    """Return the CPU time of one piece of work: median of five runs."""
    runs = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(times):
            work()
        runs.append((time.process_time() - start) / times * 1e6)
    return statistics.median(runs)


def main() -> None:
    """Print the table and one JSON object for each check."""
    texts = drawn_texts()
    catalogue = Catalogue.load()
    checks: list[dict[str, object]] = []
    ours = cpu_us(lambda: [segments(text) for text in texts[:2000]], 1) / 2000
    usual = cpu_us(lambda: [by_character(text) for text in texts[:2000]], 1) / 2000
    print(f"{'parts of one text':34} {ours:8.2f} us   by character {usual:8.2f} us")
    checks.append({"name": "sms_segments_us", "value": ours, "reference": usual, "ratio": ours / usual, "goal": 0.5,
                   "ok": ours <= 0.5 * usual})  # fmt: skip
    for channel, limit in ((Channel.SMS, RENDER_US_MAX), (Channel.EMAIL, MAIL_US_MAX)):
        slots = sample(catalogue.find("reminder.gentle", channel, "en"), "collector", is_first=False)
        took = cpu_us(lambda c=channel, s=slots: catalogue.render("reminder.gentle", c, "en", s), 5000)  # type: ignore[misc]  # no type for defaults of a lambda
        print(f"{'render ' + channel.label:34} {took:8.2f} us   limit        {limit:8.2f} us")
        checks.append({"name": f"render_{channel.label}_us", "value": took, "reference": limit, "ratio": took / limit,
                       "goal": 1.0, "ok": took <= limit})  # fmt: skip
    folder = os.environ.get("FORBEAR_SMS_ORACLE")
    if folder:
        oracle = subprocess.run(["node", "-e", ORACLE], input=json.dumps(texts), text=True, capture_output=True,
                                env={**os.environ, "NODE_PATH": folder}, check=True, timeout=120)  # fmt: skip
        differ = sum(segments(text) != count for text, count in zip(texts, json.loads(oracle.stdout), strict=True))
        print(f"{'texts counted otherwise by Twilio':34} {differ:8d} of {CASES}")
        checks.append({"name": "sms_segments_differ", "value": differ, "reference": 0, "ratio": float(differ),
                       "goal": 0, "ok": differ == 0})  # fmt: skip
    else:
        print("no oracle: set FORBEAR_SMS_ORACLE to a node_modules folder with sms-segments-calculator")
    for check in checks:
        print(json.dumps(check))


if __name__ == "__main__":
    main()
