"""How much CPU each stage of the path takes: functions of the services are wrapped for the time of a bench.

CPU is that of the whole process, so a stage may only run while no other does; a stage inside another counts for itself
alone. Watch what runs once a batch: looking at the clock twice takes about 2 us.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections import Counter
from collections.abc import Callable
from typing import Any


class Stopwatch:
    """Adds up the CPU of named stages, in seconds."""

    def __init__(self) -> None:
        self.cpu_s: Counter[str] = Counter()
        self._open: list[list[Any]] = []

    def begin(self, stage: str) -> None:
        """Start a stage, inside the one that runs."""
        self._open.append([stage, time.process_time(), 0.0])

    def end(self) -> None:
        """End the innermost stage."""
        stage, started_s, inner_s = self._open.pop()
        whole_s = time.process_time() - started_s
        self.cpu_s[stage] += whole_s - inner_s
        if self._open:
            self._open[-1][2] += whole_s

    def watch(self, owner: Any, name: str, stage: str) -> None:
        """Count a function, a coroutine function or an asynchronous generator of a module or class as a stage."""
        function = getattr(owner, name)
        setattr(owner, name, functools.wraps(function)(self._wrapped(function, stage)))

    def _wrapped(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        async def coroutine(*arguments: Any, **named: Any) -> Any:
            self.begin(stage)
            try:
                return await function(*arguments, **named)
            finally:
                self.end()

        async def generator(*arguments: Any, **named: Any) -> Any:
            self.begin(stage)
            async for item in function(*arguments, **named):
                self.end()
                yield item
                self.begin(stage)
            self.end()

        def plain(*arguments: Any, **named: Any) -> Any:
            self.begin(stage)
            try:
                return function(*arguments, **named)
            finally:
                self.end()

        if inspect.isasyncgenfunction(function):
            return generator
        return coroutine if inspect.iscoroutinefunction(function) else plain
