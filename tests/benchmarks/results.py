"""Predictions of many kinds of fits, saved by one checkout and compared by another.

Run from the root of a checkout, before and after a change that may alter no result::

    python -m tests.benchmarks.results save before.npz [--only PART_OF_A_NAME]
    python -m tests.benchmarks.results compare before.npz after.npz

`save` fits some eighty small estimators and keeps what they predict; with skl2onnx installed, what
onnxruntime predicts for some of them, too. `compare` prints each fit whose bits differ, with the
largest difference relative to the largest prediction, and fails where there is one.
"""

import argparse
import sys
import warnings

import numpy as np
import sklearn
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skconstrain import (
    CompositionRegressor,
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    QuantileNetRegressor,
    SparseConnectedNet,
    SparseConnectedNetClassifier,
    TunedThresholdMultiLabelClassifierCV,
)

SHORT = {"epochs": 6, "random_state": 0}
ONE = {**SHORT, "hidden_layer_sizes": (12, 8), "n_networks": 1}
FIVE = {**SHORT, "hidden_layer_sizes": (12, 8)}
SIGNS = {"monotonic_cst": [1, -1, 0, 0, 0, 0]}
GATE = {**SHORT, "hidden_layer_sizes": (8,), "gate_hidden_layer_sizes": (6,), "n_experts": 3}
WIRING = np.random.default_rng(5).random((6, 9)) < 0.4


def numbers(n_rows=300, dtype=np.float64):
    """Draw features and positive targets."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 6)) * [1, 10, 0.1, 1, 5, 1] + [0, 3, 0, -2, 0, 1]
    y = np.exp(0.5 * X[:, 0] - 0.05 * X[:, 1] + np.sin(X[:, 3])) * rng.gamma(20, 1 / 20, n_rows)
    return X.astype(dtype), y.astype(dtype)


def classes(n_classes=3):
    """Draw features and classes."""
    X, y = numbers()
    return X, np.digitize(y, np.quantile(y, np.linspace(0, 1, n_classes + 1)[1:-1]))


def labels():
    """Draw features and four labels."""
    X, y = numbers()
    noise = np.random.default_rng(1).normal(size=(len(X), 4))
    return X, (np.log(y)[:, None] + noise > [0, 0.5, 1, -0.5]).astype(int)


def shares():
    """Draw features and three shares."""
    X, y = numbers()
    parts = np.stack([y, np.ones_like(y), np.abs(X[:, 2])], axis=1)
    return X, parts / parts.sum(axis=1, keepdims=True)


def several(y):
    """Return two targets for one."""
    return np.stack([y, 2 * y + 1], axis=1)


def _positive(**settings):
    X, y = numbers()
    return PositiveRegressor(**settings).fit(X, y).predict(X)


def _bounded(**settings):
    X, y = numbers()
    return PositiveRegressor(**{"upper": 200.0, **settings}).fit(X, y).predict(X)


def _wired(**settings):
    X, y = numbers()
    return SparseConnectedNet([WIRING], **{**SHORT, **settings}).fit(X, y).predict(X)


def _quantiles(**settings):
    X, y = numbers()
    return QuantileNetRegressor(**settings).fit(X, y).predict_quantiles(X)


def _classified(data, **settings):
    X, y = data
    return MultiLabelNetClassifier(**settings).fit(X, y).predict_proba(X)


def _gated(n_classes=3, **settings):
    X, y = classes(n_classes)
    model = GatedEnsembleClassifier(**{**GATE, **settings}).fit(X, y)
    return np.hstack([model.predict_proba(X), model.gate_proba(X)])


def _experts():
    return [
        ("logistic", LogisticRegression()),
        ("tree", DecisionTreeClassifier(max_depth=3, random_state=0)),
        ("svc", SVC(gamma=0.1)),
    ]


def _over(n_classes=3, **settings):
    return _gated(n_classes, estimators=_experts(), **settings)


def _prefit():
    X, y = classes()
    fitted = [(name, expert.fit(X[:100], y[:100])) for name, expert in _experts()]
    model = GatedEnsembleClassifier(fitted, **{**GATE, "cv": "prefit"}).fit(X[100:], y[100:])
    return np.hstack([model.predict_proba(X), model.gate_proba(X)])


def _weighted(model, data):
    X, y = data
    weight = np.random.default_rng(3).integers(0, 3, len(X))
    model = model.fit(X, y, sample_weight=weight)
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def _given_validation(**settings):
    X, y = numbers()
    model = PositiveRegressor(**settings)
    return model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:]).predict(X)


def _continued(model, data):
    X, y = data
    model.set_params(warm_start=True).fit(X, y)
    return model.fit(X, y).predict(X)


def _streamed(model, data, **first):
    X, y = data
    model.partial_fit(X[:150], y[:150], **first)
    return model.partial_fit(X[150:], y[150:]).predict(X)


def _sparse(model, data):
    X, y = data
    X = sparse.csr_array(np.where(np.abs(X) > 1, X, 0))
    return model.fit(X, y).predict(X)


def _in_chunks():
    X, y = numbers(30_000, np.float32)  # 720 kB
    with sklearn.config_context(working_memory=1.0):
        return PositiveRegressor(**ONE).fit(X, y).predict(X)


def _tuned():
    X, y = labels()
    tuned = TunedThresholdMultiLabelClassifierCV(MultiLabelNetClassifier(**FIVE)).fit(X, y)
    return np.vstack([tuned.predict_proba(X), tuned.thresholds_[None]])


def _out_of_fold():
    X, y = numbers()
    return PositiveRegressor(**FIVE).fit(X, y).oof_prediction_


def _through_onnx(model, data):
    import onnxruntime
    from skl2onnx import to_onnx

    from skconstrain.onnx import register_converters

    X, y = data
    model.fit(X, y)
    register_converters()
    graph = to_onnx(model, X[:1])
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    return np.asarray(session.run(None, {session.get_inputs()[0].name: X})[-1])


def fits():
    """Return functions without arguments by the names of what they fit and predict."""
    found = {}
    for output in ("softplus", "exp", "square", "abs", "softabs", "relu"):
        found[f"positive {output}"] = lambda output=output: _positive(output=output, **ONE)
    for output in ("sigmoid", "tanh"):
        found[f"positive {output}"] = lambda output=output: _bounded(output=output, **ONE)
    for loss in ("absolute_error", "huber", "squared_log_error", "poisson", "gamma", "tweedie"):
        found[f"positive loss {loss}"] = lambda loss=loss: _positive(loss=loss, **ONE)
    for name in ("sgd", "rmsprop", "adamw", "nadam"):
        found[f"optimizer {name}"] = lambda name=name: _positive(optimizer=name, **ONE)
    for name in ("tanh", "relu", "gelu", "logistic", "elu"):
        found[f"activation {name}"] = lambda name=name: _positive(activation=name, **ONE)
    X, y = numbers()
    narrow = numbers(dtype=np.float32)
    found |= {
        "five networks": lambda: _positive(**FIVE),
        "five networks, nothing else set": lambda: _positive(random_state=0, epochs=3),
        "five networks, float32": lambda: PositiveRegressor(**FIVE).fit(*narrow).predict(narrow[0]),
        "five networks, dtype float64": lambda: _positive(dtype="float64", **FIVE),
        "out of fold": _out_of_fold,
        "no embedding": lambda: _positive(n_frequencies=0, **FIVE),
        "no factors": lambda: _positive(weight_features=False, **FIVE),
        "not standardised": lambda: _positive(standardize=False, **FIVE),
        "dropout": lambda: _positive(dropout=0.2, **ONE),
        "dropout of five": lambda: _positive(dropout=0.2, **FIVE),
        "non-negative kernels": lambda: _positive(kernel_constraint="non_neg", **ONE),
        "signs": lambda: _positive(**SIGNS, **FIVE),
        "signs of one, range": lambda: _bounded(output="sigmoid", **SIGNS, **ONE),
        "signs, float32": lambda: (
            PositiveRegressor(**SIGNS, **FIVE).fit(*narrow).predict(narrow[0])
        ),
        "two outputs": lambda: PositiveRegressor(**FIVE).fit(X, several(y)).predict(X),
        "early stopping": lambda: _positive(**{**ONE, "epochs": 60, "early_stopping": True}),
        "schedule": lambda: _positive(learning_rate_schedule="constant", **ONE),
        "given validation data": lambda: _given_validation(**FIVE),
        "weights": lambda: _weighted(PositiveRegressor(**ONE), (X, y)),
        "weights of five": lambda: _weighted(PositiveRegressor(**FIVE), (X, y)),
        "warm start": lambda: _continued(PositiveRegressor(**ONE), (X, y)),
        "warm start of five": lambda: _continued(PositiveRegressor(**FIVE), (X, y)),
        "parts": lambda: _streamed(PositiveRegressor(**ONE), (X, y)),
        "sparse X": lambda: _sparse(PositiveRegressor(**FIVE), (X, y)),
        "sparse X, not standardised": lambda: _sparse(
            PositiveRegressor(standardize=False, **ONE), (X, y)
        ),
        "chunks": _in_chunks,
        "quantiles": lambda: _quantiles(**FIVE),
        "quantiles in a range": lambda: _quantiles(lower=0, upper=300, **ONE),
        "quantiles with signs": lambda: _quantiles(lower=0, **SIGNS, **FIVE),
        "shares": lambda: _weighted(CompositionRegressor(**FIVE), shares()),
        "shares of one": lambda: _weighted(
            CompositionRegressor(total=100.0, close=True, **ONE), shares()
        ),
        "two classes": lambda: _classified(classes(2), **FIVE),
        "three classes": lambda: _classified(classes(), **FIVE),
        "three classes, one network": lambda: _classified(classes(), **ONE),
        "two classes with signs": lambda: _classified(classes(2), **SIGNS, **FIVE),
        "classes, weights": lambda: _weighted(MultiLabelNetClassifier(**FIVE), classes()),
        "classes, balanced": lambda: _classified(classes(), class_weight="balanced", **FIVE),
        "classes, focal": lambda: _classified(classes(), loss="focal", **ONE),
        "classes, weighted features": lambda: _classified(classes(), weight_features=True, **FIVE),
        "labels": lambda: _classified(labels(), **FIVE),
        "labels, asymmetric": lambda: _classified(labels(), loss="asymmetric", **ONE),
        "labels, focal": lambda: _classified(labels(), loss="focal", **ONE),
        "labels tuned": _tuned,
        "wired": _wired,
        "wired, sparse kernel": lambda: _wired(kernel="sparse"),
        "wired, dense kernel": lambda: _wired(kernel="dense", hidden_layer_sizes=(5,)),
        "wired, dropout": lambda: _wired(dropout=0.3, hidden_layer_sizes=(5,)),
        "wired, no bias": lambda: _wired(use_bias=False, activation="tanh"),
        "wired classes": lambda: _weighted(
            SparseConnectedNetClassifier([WIRING], **SHORT), classes()
        ),
        "wired parts": lambda: _streamed(SparseConnectedNet([WIRING], **SHORT), (X, y)),
        "gate": _gated,
        "gate, two classes": lambda: _gated(2),
        "gate, hard": lambda: _gated(gating="hard"),
        "gate, hard with noise": lambda: _gated(gating="hard", gumbel=True, temperature=(2.0, 0.5)),
        "gate, top-k": lambda: _gated(gating="top_k", k=2),
        "gate, penalties": lambda: _gated(load_balance=0.1, entropy_penalty=0.01),
        "gate, dropout": lambda: _gated(dropout=0.2),
        "gate, early stopping": lambda: _gated(early_stopping=True),
        "gate, not standardised": lambda: _gated(standardize=False),
        "gate over experts": _over,
        "gate over experts, two classes": lambda: _over(2),
        "gate over experts, hard": lambda: _over(gating="hard"),
        "gate over experts, top-k": lambda: _over(gating="top_k", k=2),
        "gate over experts, early stopping": lambda: _over(early_stopping=True),
        "gate over experts, rounds": lambda: _over(n_rounds=2, early_stopping=False),
        "gate over fitted experts": _prefit,
        "onnx five networks": lambda: _through_onnx(PositiveRegressor(**FIVE), narrow),
        "onnx signs": lambda: _through_onnx(PositiveRegressor(**SIGNS, **FIVE), narrow),
        "onnx classes": lambda: _through_onnx(MultiLabelNetClassifier(**FIVE), classes()),
        "onnx gate": lambda: _through_onnx(GatedEnsembleClassifier(**GATE), classes()),
    }
    return found


def save(path, only):
    """Fit all, and save what they predict."""
    found = {}
    for name, fit in fits().items():
        if only and only not in name:
            continue
        try:
            found[name] = np.asarray(fit())
        except Exception as error:
            found[name] = np.array(f"{type(error).__name__}: {error}")
            print(f"{name}: {found[name]}", flush=True)
    np.savez(path, **found)
    print(f"{len(found)} fits with scikit-learn {sklearn.__version__} in {path}")
    return 0


def compare(before, after):
    """Print what differs; return 1 where something does."""
    first, second = np.load(before), np.load(after)
    names = [name for name in first.files if name in second.files]
    differing = 0
    for name in names:
        a, b = first[name], second[name]
        if a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes():
            continue
        differing += 1
        if a.dtype.kind == "U" or b.dtype.kind == "U" or a.shape != b.shape:
            print(
                f"{name}: {a if a.dtype.kind == 'U' else a.shape} / "
                f"{b if b.dtype.kind == 'U' else b.shape}"
            )
            continue
        gap = np.nanmax(np.abs(a - b)) / np.nanmax(np.abs(a))
        print(f"{name}: {gap:.1e} of the largest ({a.dtype}, {b.dtype})")
    missing = sorted(set(first.files) ^ set(second.files))
    print(f"{len(names)} fits compared, {differing} differ, {len(missing)} in one file only")
    return int(differing > 0)


def main():
    """Save or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["save", "compare"])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    sys.exit(save(given.files[0], given.only) if given.what == "save" else compare(*given.files))


if __name__ == "__main__":
    main()
