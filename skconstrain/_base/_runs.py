"""Runs: what the training of an estimator's network needs, and the training itself."""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from skconstrain._base._blame import explained
from skconstrain._base._budget import choose_budget
from skconstrain._base._rows import scaled
from skconstrain._base._schedules import base_rate, rate_schedule
from skconstrain._networks import FittedNetwork, Network

if TYPE_CHECKING:
    from skconstrain._engine import TrainingResult, TrainingRun


class Outcome(NamedTuple):
    """A trained network, what its training left, and the scale of the targets."""

    network: Network
    result: "TrainingResult"
    target_scale: np.ndarray | float | None


def make_run(
    estimator, plan, target_scale, *, rng, known_weights, continues, partial
) -> "TrainingRun":
    """Return everything that training needs beside the network."""
    # Imported here: constructing, cloning and searching over estimators cost no TensorFlow.
    from skconstrain._engine import TrainingRun
    from skconstrain.losses._numbers import numbers_of

    rows, held_out, folds = plan.parts
    loss, exponent = estimator._keras_loss()
    scale = 1.0 if exponent is None else target_scale
    X, y, weight = scaled(rows, scale)
    stops_early = estimator.early_stopping and not (held_out is None and folds is None)
    budget = choose_budget(
        len(X),
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        patience=estimator.n_iter_no_change,
        validates=stops_early,
    )
    rate = base_rate(estimator.learning_rate, estimator.optimizer, estimator._automatic_rate)
    # partial_fit has no known end, so no schedule.
    schedule = None if partial or rate is None else rate_schedule(estimator.learning_rate_schedule)
    return TrainingRun(
        X=X,
        y=y,
        weight=weight,
        validation=None if held_out is None else scaled(held_out, scale),
        folds=folds,
        validate_every=budget.validate_every if estimator._n_networks > 1 else 1,
        rng=rng,
        epochs=budget.epochs,
        batch_size=budget.batch_size,
        first_epoch=estimator.n_iter_ if continues else 0,
        start=estimator._as_trained.weights if continues else None,
        known_weights=known_weights,
        optimizer_state=estimator._optimizer_state if continues else None,
        alpha=estimator.alpha,
        learning_rate=rate,
        rate_schedule=schedule,
        target_scale=scale,
        loss_numbers=numbers_of(loss),
        patience=budget.patience,
        tol=None if partial else estimator.tol,
        early_stopping=stops_early,
        callbacks=_as_list(estimator.callbacks),
        verbose=int(estimator.verbose),
    )


def partial_attributes(network, first_epoch):
    """Return a function of weights and a number of epochs: what to predict with them needs."""
    return lambda weights, n: {
        "_fitted": FittedNetwork(network, weights),
        "n_iter_": first_epoch + n,
    }


def train_network(estimator, network, run) -> "TrainingResult":
    """Train a network of an estimator as the run says."""
    from skconstrain._base._single_precision import in_single, trains_in_single
    from skconstrain._base._units import as_started, in_unit, watched_as_started

    if run.start is None:
        run = replace(run, start=network.initial_weights(run.rng, run.known_weights))
    trained, converted = network, run
    is_single = estimator.dtype is None and trains_in_single(network, run)
    if is_single or network.dtype == "float32":
        trained, converted = in_unit(network, run)
    if is_single:
        trained, converted = in_single(trained, converted)
    if converted is run:
        return _run_network(estimator, network, run)
    result = _run_network(estimator, trained, watched_as_started(converted, network, run.start))
    return replace(result, weights=as_started(result.weights, network, run.start))


def _run_network(estimator, network, run):
    from skconstrain._base._fold_losses import validated_in_numpy
    from skconstrain._keras_wrapper import NetWrapper

    loss = estimator._keras_loss()[0]
    run = validated_in_numpy(network, run, loss)
    wrapper = NetWrapper(
        network,
        loss=loss,
        optimizer=estimator.optimizer,
        callbacks=run.callbacks or None,
    )
    run = replace(run, callbacks=wrapper.build_callbacks())
    with explained(estimator):
        return run_program(wrapper, run)


def run_program(wrapper, run) -> "TrainingResult":
    """Train the network that `wrapper` builds, as the run says."""
    from skconstrain import _engine

    lent = _engine.lend_program(wrapper.key, wrapper.build, wrapper.network, run)
    with lent as program, _engine.precision():
        return _engine.train(program, run)


def _as_list(callbacks):
    if callbacks is None:
        return []
    listed = list(callbacks) if isinstance(callbacks, list) else [callbacks]
    for callback in listed:
        if not hasattr(callback, "on_epoch_end"):
            raise ValueError(
                f"callbacks must be callbacks of Keras, instances or classes. Got {callback!r}."
            )
    return listed
