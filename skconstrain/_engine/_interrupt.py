"""Ctrl-C that waits for the epoch in hand."""

import signal
import sys
import threading

_LINE = "\nTraining stops after this epoch. Press Ctrl-C again to stop at once."


class DeferredInterrupt:
    """Turn the first Ctrl-C into a request; the second one interrupts at once.

    Only where Python's own handler is in place, and in the main thread: elsewhere signals are not
    ours, and a ``KeyboardInterrupt`` that reaches the training loop is handled there.
    """

    def __init__(self):
        self.requested = False
        self._previous = None

    def __enter__(self):
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def _handle(self, signum, frame):
        if self.requested:
            signal.default_int_handler(signum, frame)
        self.requested = True
        print(_LINE, file=sys.stderr, flush=True)

    def __exit__(self, *exception):
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
