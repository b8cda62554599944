"""Joblib backend that collects the tasks of a parallel call, and then runs all of them."""

from contextlib import contextmanager
from dataclasses import dataclass

from joblib import parallel_config
from joblib.parallel import ParallelBackendBase


class CollectingBackend(ParallelBackendBase):
    """Backend of one parallel call, which runs no task before the first result is asked for.

    Parameters
    ----------
    runner : Barrier or Workers
        Has `n_jobs`, how many tasks run at once at most, and ``run(functions)``, which returns a
        list of their results.
    """

    uses_threads = supports_sharedmem = True

    def __init__(self, runner=None, **kwargs):
        super().__init__(**kwargs)
        self._runner, self._collected = runner, []
        self.config = None

    def configure(self, n_jobs=1, parallel=None, **kwargs):
        """Begin the call: other ones, within its tasks or after it, have the user's backend."""
        self.config.unregister()
        return super().configure(n_jobs, parallel, **kwargs)

    def effective_n_jobs(self, n_jobs):
        """Return how many tasks run at once at most."""
        return self._runner.n_jobs

    def submit(self, func, callback=None):
        """Keep a batch of tasks for later."""
        self._collected.append(_Job(self, func, callback))
        return self._collected[-1]

    def apply_async(self, func, callback=None):
        """Keep a batch of tasks for later: the name of `submit` before joblib 1.5."""
        return self.submit(func, callback)

    def retrieve_result(self, out, timeout=None):
        """Return the results of a batch, after all were run."""
        jobs, self._collected = self._collected, []
        if jobs:
            found = self._runner.run([job.batch for job in jobs])
            for job, results in zip(jobs, found, strict=True):
                job.results = results
        out.callback(None)  # counts it as done
        return out.results


@dataclass(eq=False)
class _Job:
    """A batch of tasks, and the list of its results once it was run."""

    backend: CollectingBackend
    batch: object
    callback: object
    results: list | None = None

    def get(self, timeout=None):
        """Return the results: what joblib before 1.5 asks for."""
        return self.backend.retrieve_result(self, timeout)


@contextmanager
def collected_call(runner):
    """Let `runner` run the tasks of the next parallel call of this thread.

    The call should have ``pre_dispatch="all"``: what is dispatched later runs later.
    """
    backend = CollectingBackend(runner)
    # The parallel call of the runner shows the progress that the user asked for.
    backend.config = parallel_config(backend=backend, verbose=0)
    try:
        yield
    finally:
        backend.config.unregister()
