"""From a network and a run to a result: together with equal networks, or alone."""

from dataclasses import replace
from functools import partial

import numpy as np

from skconstrain import _engine
from skconstrain._engine import TrainingResult, TrainingRun
from skconstrain._engine._batching import padded
from skconstrain._engine._optimizers import instance_of
from skconstrain._keras_wrapper import NetWrapper
from skconstrain._networks import Network
from skconstrain._networks._widths import (
    may_be_wider,
    narrowed_state,
    narrowed_weights,
    widened,
    widened_weights,
    with_zeros,
)
from skconstrain._stacked_fits._barrier import current_barrier, is_wanted
from skconstrain._stacked_fits._request import ALONE, Request


def train(wrapper: NetWrapper, run: TrainingRun, jit_compile) -> TrainingResult:
    """Train the network that `wrapper` builds as `run` says.

    Together with equal networks that are fitted at the same time, if there are any.
    """
    _engine.warn_of_double_precision(wrapper.network.dtype)
    barrier = current_barrier()
    if barrier is None:
        return _train_alone(wrapper, run, jit_compile)
    if _may_be_stacked(wrapper, run):
        outcome = barrier.train(_request(wrapper, run, jit_compile))
        if outcome is not ALONE:
            return outcome
    with barrier.alone:
        return _train_alone(wrapper, run, jit_compile)


def _train_alone(wrapper, run, jit_compile):
    network, plan = wrapper.network, _engine.plan_chunks(run.X, run.batch_size)
    lent = _engine.lend_program(
        wrapper.key,
        wrapper.build,
        n_rows=plan.rows_per_chunk,
        batch_size=run.batch_size,
        epochs=run.epochs * plan.n_chunks,
        kernel_size=network.kernel_size,
        n_networks=network.n_networks,
        jit_compile=jit_compile if network.supports_xla else False,
        has_callbacks=bool(run.callbacks),
        is_whole=plan.n_chunks == 1,
    )
    with lent as program, _engine.precision():
        return _engine.train(program, run, is_wanted)


def _may_be_stacked(wrapper, run):
    """Whether a stack trains the network as it trains alone."""
    network = wrapper.network
    small = network.kernel_size <= _engine.MAX_STACKED_SIZE and network.supports_xla
    watched = run.callbacks or run.verbose
    # Rows that are read in chunks stay where they are.
    is_read = isinstance(run.X, np.ndarray) and (
        run.validation is None or isinstance(run.validation[0], np.ndarray)
    )
    # Programs of stacks know no weights of rows for each of several networks.
    is_one = network.n_networks == 1
    return is_one and is_read and small and not watched and _is_stackable(wrapper.optimizer)


def _is_stackable(optimizer):
    return _engine.is_stackable(instance_of(optimizer))


def _request(wrapper, run, jit_compile):
    batches = _engine.Batches(len(run.X), run.batch_size)
    n_validation = 0 if run.validation is None else padded(len(run.validation[0]))
    shapes = (batches.width, batches.padded_rows, batches.padded_steps, n_validation)
    network, width = wrapper.network, 0
    # What goes on with an optimizer's state has that of its own width.
    if run.optimizer_state is None and may_be_wider(network, instance_of(wrapper.optimizer)):
        network, width = widened(network, 0), network.n_features
    return Request(
        key=(_for(wrapper, network).key, shapes, jit_compile, tuple(run.schedules)),
        train_together=_train_together,
        n_bytes=_bytes_in_stack(wrapper.network, run.X.dtype.itemsize, shapes),
        payload=(wrapper, run, jit_compile),
        width=width,
    )


def _for(wrapper, network):
    """Return the wrapper of another network with the same loss and optimizer."""
    return NetWrapper(network, loss=wrapper.loss, optimizer=wrapper.optimizer)


def _train_together(requests):
    """Train requests of networks that are equal, but for their number of features, as one stack."""
    widest = max(request.width for request in requests)
    if all(request.width == widest for request in requests):
        wrapper, _, jit_compile = requests[0].payload
        runs = [request.payload[1] for request in requests]
        return _train_stack(wrapper, runs, jit_compile, requests)
    return _train_widened(requests, padded(widest))


def _train_widened(requests, n_features):
    """Train requests of networks of fewer features, with columns of zeros beside theirs."""
    wrapper, _, jit_compile = requests[0].payload
    networks = [request.payload[0].network for request in requests]
    wide, runs = widened(wrapper.network, n_features), []
    for request, network in zip(requests, networks, strict=True):
        run = request.payload[1]
        validation = run.validation
        if validation is not None:
            validation = (with_zeros(validation[0], n_features), *validation[1:])
        start = widened_weights(run.start, network, wide)
        X = with_zeros(run.X, n_features)
        narrow = partial(narrowed_weights, network=network)
        watcher = _engine.ConvertedWatcher(run.watcher, narrow)
        runs.append(replace(run, X=X, validation=validation, start=start, watcher=watcher))
    outcomes = _train_stack(_for(wrapper, wide), runs, jit_compile, requests)
    pairs = zip(outcomes, networks, strict=True)
    return [_narrowed(outcome, network, wide) for outcome, network in pairs]


def _narrowed(outcome, network, wide):
    """Return what a wide network left as what the network itself would have."""
    if not isinstance(outcome, TrainingResult):
        return outcome
    weights = narrowed_weights(outcome.weights, network)
    state = narrowed_state(outcome.optimizer_state, network, wide)
    return replace(outcome, weights=weights, optimizer_state=state)


def _train_stack(wrapper, runs, jit_compile, requests):
    """Train runs of equal networks; return a result, an error or `ALONE` for each."""
    lend = partial(
        _engine.lend_stacked_program,
        wrapper.key,
        wrapper.build,
        kernel_size=wrapper.network.kernel_size,
        jit_compile=jit_compile,
    )

    def are_wanted():
        return any(request.is_wanted for request in requests)

    try:
        with _engine.precision():
            report = partial(requests[0].task.barrier.report, len(requests))
            return _engine.train_stack(lend, runs, are_wanted, report)
    except _engine.NotStackableError:
        return [ALONE] * len(requests)


def _bytes_in_stack(network: Network, itemsize, shapes):
    """Return the memory of a model in a stack: its data, its weights, and units in a step."""
    width, n_rows, n_steps, n_validation = shapes
    columns = network.n_features + network.n_outputs + 1
    units = columns + network.n_units
    n_numbers = (n_rows + n_validation) * columns + 12 * network.kernel_size + 8 * width * units
    return n_numbers * itemsize + 4 * width * n_steps
