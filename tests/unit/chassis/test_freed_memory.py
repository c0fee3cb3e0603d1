"""Memory that a service frees stays with it: the next batch pays for no page again."""

from __future__ import annotations

import subprocess
import sys

FAULTS = """
import resource
from forbear_chassis.process import keep_freed_memory

def faults_of_a_batch():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    batch = [bytes(4096) for _ in range(2048)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if {keep}:
    assert keep_freed_memory(), "the C library did not take the request"
print(*[faults_of_a_batch() for _ in range(5)])
"""


def faults(*, keep: bool) -> list[int]:
    """Return the page faults of five batches of 8 MiB each, one after the other, in a process of their own."""
    told = subprocess.run(
        [sys.executable, "-c", FAULTS.format(keep=keep)], capture_output=True, text=True, check=True, timeout=60
    )
    return [int(one) for one in told.stdout.split()]


def test_a_batch_after_the_first_takes_hardly_a_page_from_the_kernel() -> None:
    assert max(faults(keep=True)[1:]) < 200


def test_without_the_request_every_batch_pays_for_its_pages_anew() -> None:
    assert min(faults(keep=False)[1:]) > 1000
