"""Measures one library bandit in the peers' own venv; run by `bench/learn_plan.py`, which reads the JSON it prints.

Same machine, one thread, CPU time, median of three after a warm-up, as many features and options as ours.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

ROWS, ASKED = 4_000, 2_000


def rate(decide: Callable[[], object]) -> float:
    """Return borrowers decided for in a CPU second."""
    decide()
    spent = []
    for _ in range(3):
        start = time.process_time()
        decide()
        spent.append(time.process_time() - start)
    return ASKED / statistics.median(spent)


def main(features_count: int, options: int) -> None:
    """Teach both, let both decide, print borrowers/s of each."""
    from contextualbandits.online import LinUCB  # type: ignore[import-not-found]  # in the peers' venv only
    from mabwiser.mab import MAB, LearningPolicy  # type: ignore[import-not-found]  # in the peers' venv only

    draw = np.random.default_rng(2)
    features = draw.normal(size=(ROWS, features_count))
    arm, reward = draw.integers(0, options, ROWS), draw.integers(0, 2, ROWS)
    arm[:options] = np.arange(options)
    ucb = LinUCB(options, alpha=0.1, njobs=1)
    ucb.fit(features, arm, reward)
    bandit = MAB(list(range(options)), LearningPolicy.LinTS(0.1))
    bandit.fit(arm, reward, features)
    asked = features[:ASKED]
    found = {"linucb": rate(lambda: ucb.predict(asked)), "lints": rate(lambda: bandit.predict(asked))}
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
