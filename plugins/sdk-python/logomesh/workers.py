"""A few threads that run what they are given, in order.

`concurrent.futures` would do, but loading it (with `logging`) takes as long as the rest of the package.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Workers:
    def __init__(self, threads_max: int) -> None:
        self._threads_max = threads_max
        self._jobs: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def submit(self, job: Callable[[], None]) -> None:
        """Runs the job in a thread, which is started when all others are at work. The job must not raise."""
        with self._changed:
            self._jobs.append(job)
            if len(self._jobs) <= self._idle:
                self._changed.notify()
            elif self._threads < self._threads_max:
                self._threads += 1
                threading.Thread(target=self._work, name=f"tool-{self._threads}", daemon=True).start()

    def close(self) -> None:
        """Forgets the jobs that wait; the threads end with what they are at."""
        with self._changed:
            self._closed = True
            self._jobs.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(lambda: self._jobs or self._closed)
                self._idle -= 1
                if self._closed:
                    return
                job = self._jobs.popleft()
            job()
