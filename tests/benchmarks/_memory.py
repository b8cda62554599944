"""Memory of a block of code, in a process that does nothing else."""

import re
import threading
import time
from pathlib import Path


def memory(name):
    """Return a line of the process' status, in gigabytes; Linux only."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s*(\d+)", status)[1]) * 1024 / 1e9


class Watch:
    """Seconds of a block of code, and its memory beyond what was held before."""

    def __enter__(self):
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._before = memory("VmRSS"), memory("RssAnon")
        self._most, self._done = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        self._start = time.perf_counter()
        return self

    def _look(self):
        while not self._done.wait(0.01):
            self._most = max(self._most, memory("RssAnon"))

    def __exit__(self, *exception):
        self.seconds = time.perf_counter() - self._start
        self._done.set()
        self._thread.join()
        self.peak = memory("VmHWM") - self._before[0]
        self.anonymous = self._most - self._before[1]

    def report(self):
        """Return what was measured."""
        return {name: getattr(self, name) for name in ("seconds", "peak", "anonymous")}
