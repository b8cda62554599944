"""How long a fit takes, beside other libraries in one process.

Run from the root of the repository::

    python -m tests.benchmarks.fit [--sizes NAME ...] [--repeats N] [--quick] [--json FILE]

Everybody trains the same data in float32 for the same epochs in the same batches, shuffled every
epoch: relu layers, squared error, Adam with a learning rate of 0.001, no early stopping. Ours ends
in softplus, the others in a plain linear output, and ours and scikit-learn's also compute the L2
penalty that both have by default. Building the model is part of a fit.

*cold* is the first fit of the architecture in the process, with our compile cache emptied before.
It starts after all imports and after one trivial operation of TensorFlow, of its compiler XLA and
of torch, so that the start of a runtime is not counted against whoever comes first; what XLA's took
is printed. Ours is the first of those that use TensorFlow, so what else is set up once for all of
them is counted against ours.

*warm* is the median of the fits after it, interleaved in both orders. Ratios are to scikit-learn's
MLPRegressor. *of limit* compares 6 operations for each number in a kernel, row and epoch with the
machine's own matrix-product rate. *RMSE* is that of the cold fit on its training data, in units of
the mean target: it shows that everybody trained, not who is better.
"""

import argparse
import importlib
import itertools
import os
import time
import warnings
from dataclasses import asdict, dataclass, replace

# Before TensorFlow is imported: its notes on the processor are not results.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from scikeras.wrappers import KerasRegressor
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import scale

import skconstrain
from tests.benchmarks._settings import ONE_NETWORK
from tests.benchmarks._timing import (
    Contestant,
    format_table,
    machine,
    matmul_rate,
    progress,
    race,
    versions,
    write_json,
)

REFERENCE = "sklearn MLPRegressor"
LEARNING_RATE = 1e-3
OPTIONAL = versions("torch", "skorch")
HEADER = [
    "", "cold s", "ratio", "warm s", "ratio", "fastest", "slowest", "GFLOP/s", "of limit", "RMSE",
]  # fmt: skip


@dataclass(frozen=True)
class Size:
    """One row of the benchmark: the data, the network, the training."""

    name: str
    n_rows: int
    n_features: int
    hidden: tuple[int, ...]
    batch_size: int
    epochs: int

    @property
    def title(self) -> str:
        """Everything in a line."""
        return (
            f"{self.name}: {self.n_rows:,} x {self.n_features}, hidden {self.hidden}, "
            f"batch {self.batch_size}, {self.epochs} epochs"
        )

    @property
    def flops(self) -> float:
        """Operations that no fit can avoid: forward and backward products."""
        widths = [self.n_features, *self.hidden, 1]
        kernels = sum(a * b for a, b in itertools.pairwise(widths))
        return 6.0 * kernels * self.n_rows * self.epochs


SIZES = [
    Size("diabetes", 442, 10, (100,), 32, 50),
    Size("100", 40_000, 54, (100,), 200, 5),
    Size("256x256", 40_000, 54, (256, 256), 256, 5),
    Size("1024x1024", 40_000, 54, (1024, 1024), 1024, 5),
]


def make_data(size):
    """Return X of shape (n_rows, n_features) and positive y of mean 1, both float32."""
    if size.name == "diabetes":
        X, y = load_diabetes(return_X_y=True)
        X = scale(X)
    else:
        rng = np.random.default_rng(0)
        X = rng.standard_normal((size.n_rows, size.n_features))
        signal = np.log1p(np.exp(X[:, :8] @ rng.standard_normal(8)))
        y = signal * rng.gamma(20, 1 / 20, size.n_rows)
    return X.astype(np.float32), (y / y.mean()).astype(np.float32)


def contestants(size):
    """Return those that are installed; each one's run returns its prediction function."""
    X, y = make_data(size)
    found = [
        Contestant(REFERENCE, lambda: fit_sklearn(size, X, y)),
        Contestant(
            "skconstrain PositiveRegressor",
            lambda: fit_skconstrain(size, X, y),
            forget=skconstrain.clear_compile_cache,
        ),
        Contestant("Keras model.fit", lambda: fit_keras(size, X, y)),
        Contestant("scikeras KerasRegressor", lambda: fit_scikeras(size, X, y)),
    ]
    if "torch" in OPTIONAL:
        found.append(Contestant("torch loop", lambda: fit_torch(size, X, y)))
    if {"torch", "skorch"} <= OPTIONAL.keys():
        found.append(Contestant("skorch NeuralNetRegressor", lambda: fit_skorch(size, X, y)))
    return found


def fit_skconstrain(size, X, y):
    """Fit ours."""
    settings = {**ONE_NETWORK, "learning_rate": LEARNING_RATE}
    estimator = skconstrain.PositiveRegressor(
        **settings,
        hidden_layer_sizes=size.hidden,
        output="softplus",
        epochs=size.epochs,
        batch_size=size.batch_size,
        tol=None,
        random_state=0,
    )
    return estimator.fit(X, y).predict


def fit_sklearn(size, X, y):
    """Fit scikit-learn's network."""
    estimator = MLPRegressor(
        hidden_layer_sizes=size.hidden,
        learning_rate_init=LEARNING_RATE,
        max_iter=size.epochs,
        batch_size=size.batch_size,
        tol=0,
        n_iter_no_change=size.epochs,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given
        return estimator.fit(X, y).predict


def keras_model(n_features, hidden):
    """Return a compiled Keras model."""
    hidden_layers = [keras.layers.Dense(units, activation="relu") for units in hidden]
    model = keras.Sequential([keras.Input((n_features,)), *hidden_layers, keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="mean_squared_error")
    return model


def fit_keras(size, X, y):
    """Fit with Keras' own loop."""
    model = keras_model(size.n_features, size.hidden)
    model.fit(X, y, epochs=size.epochs, batch_size=size.batch_size, verbose=0)
    return lambda X: model.predict(X, batch_size=4096, verbose=0)


def fit_scikeras(size, X, y):
    """Fit with Keras' loop behind scikit-learn's interface."""
    estimator = KerasRegressor(
        model=keras_model,
        model__n_features=size.n_features,
        model__hidden=size.hidden,
        epochs=size.epochs,
        batch_size=size.batch_size,
        verbose=0,
    )
    return estimator.fit(X, y).predict


def torch_module(n_features, hidden):
    """Return a torch network."""
    from torch import nn

    widths = [n_features, *hidden]
    layers = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 1))


def fit_torch(size, X, y):
    """Fit with the loop that one writes with torch."""
    import torch

    module = torch_module(size.n_features, size.hidden)
    optimizer = torch.optim.Adam(module.parameters(), lr=LEARNING_RATE)
    inputs, targets = torch.from_numpy(X), torch.from_numpy(y)[:, None]
    for _ in range(size.epochs):
        for rows in torch.randperm(len(inputs)).split(size.batch_size):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(module(inputs[rows]), targets[rows])
            loss.backward()
            optimizer.step()
    return lambda X: module(torch.from_numpy(X)).detach().numpy()


def fit_skorch(size, X, y):
    """Fit with torch behind scikit-learn's interface."""
    import torch
    from skorch import NeuralNetRegressor

    estimator = NeuralNetRegressor(
        torch_module,
        module__n_features=size.n_features,
        module__hidden=size.hidden,
        optimizer=torch.optim.Adam,
        lr=LEARNING_RATE,
        max_epochs=size.epochs,
        batch_size=size.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    return estimator.fit(X, y[:, None]).predict


def start_runtimes():
    """Import what is imported on first use, and run one operation of every runtime."""
    importlib.import_module("skconstrain._keras_wrapper")
    tf.reduce_sum(tf.ones(2)).numpy()
    start = time.perf_counter()
    tf.function(lambda x: x + 1.0, jit_compile=True)(tf.ones(2)).numpy()
    print(
        f"starting XLA took {time.perf_counter() - start:.2f} s, once a process, not counted below"
    )
    optional = {name: importlib.import_module(name) for name in OPTIONAL}
    if "torch" in optional:
        optional["torch"].ones(2).sum().item()


def measure(size, repeats):
    """Return the results of one size, ready for JSON."""
    progress(size.title)
    X, y = make_data(size)
    rate = matmul_rate()
    timings = race(contestants(size), repeats)
    rate = max(rate, matmul_rate())  # what the machine can do undisturbed
    reference = next(timing for timing in timings if timing.name == REFERENCE)
    results = [
        {
            "name": timing.name,
            "cold_s": timing.cold,
            "cold_ratio": timing.cold / reference.cold,
            "warm_s": timing.median,
            "warm_ratio": timing.median / reference.median,
            "warm_all_s": timing.warm,
            "flop_per_s": size.flops / timing.median,
            "share_of_limit": size.flops / timing.median / rate,
            "rmse": float(np.sqrt(np.mean((np.ravel(timing.result(X)) - y) ** 2))),
        }
        for timing in timings
    ]
    return {
        **asdict(size),
        "flops": size.flops,
        "matmul_flop_per_s": rate,
        "results": results,
    }


def limit(result):
    """Return a line that says what the machine can do."""
    cores, rate = machine()["cores"], result["matmul_flop_per_s"]
    return f"cores: {cores}, float32 matrix products at {rate / 1e9:.0f} GFLOP/s"


def report(result):
    """Return the table of one size."""
    rows = [
        [
            row["name"],
            f"{row['cold_s']:.3f}",
            f"{row['cold_ratio']:.2f}",
            f"{row['warm_s']:.3f}",
            f"{row['warm_ratio']:.2f}",
            f"{min(row['warm_all_s']):.3f}",
            f"{max(row['warm_all_s']):.3f}",
            f"{row['flop_per_s'] / 1e9:.2f}",
            f"{row['share_of_limit']:.1%}",
            f"{row['rmse']:.3f}",
        ]
        for row in result["results"]
    ]
    return format_table(HEADER, rows)


def parse_arguments(arguments=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.fit", description="Time fits, ours and others'."
    )
    names = [size.name for size in SIZES]
    parser.add_argument("--sizes", nargs="+", choices=names, default=names, help="default: all")
    parser.add_argument("--repeats", type=int, default=5, help="warm fits of each (default: 5)")
    parser.add_argument(
        "--quick", action="store_true", help="one epoch, one repeat: does it run? Not for comparing"
    )
    parser.add_argument("--json", metavar="FILE", help="also write the results to FILE")
    parsed = parser.parse_args(arguments)
    if parsed.repeats < 1:
        parser.error(f"--repeats must be at least 1. Got {parsed.repeats}.")
    return parsed


def main(arguments=None):
    """Run the benchmark."""
    options = parse_arguments(arguments)
    sizes = [size for size in SIZES if size.name in options.sizes]
    repeats = options.repeats
    if options.quick:
        sizes, repeats = [replace(size, epochs=1) for size in sizes], 1
    start_runtimes()
    used = versions("numpy", "scikit-learn", "tensorflow", "keras", "scikeras") | OPTIONAL
    print(", ".join(f"{name} {version}" for name, version in used.items()))
    if missing := {"torch", "skorch"} - OPTIONAL.keys():
        print(f"skipped, because not installed: {', '.join(sorted(missing))}")
    data = {"machine": machine(), "versions": used, "quick": options.quick, "sizes": []}
    for size in sizes:
        result = measure(size, repeats)
        data["sizes"].append(result)
        print(f"\n{size.title}\n{limit(result)}\n{report(result)}", flush=True)
        if options.json:  # after every size: what was measured stays when the rest is interrupted
            write_json(options.json, data)


if __name__ == "__main__":
    main()
