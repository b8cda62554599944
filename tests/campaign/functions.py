"""Calls of what is no network, each with what its error must name."""

import copy
from collections.abc import Iterator
from functools import partial

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import skconstrain
from skconstrain import connections, inspection, layers, losses
from tests.campaign.calls import Call
from tests.campaign.searches import calls_of_searches, calls_of_tuner
from tests.campaign.subjects import labels
from tests.registry import positive_regression, two_classes

NAN = float("nan")


def _net(**params):
    return skconstrain.PositiveRegressor((4,), **{"epochs": 1, "random_state": 0, **params})


def _calls_of_connections():
    edges = [("x", "u"), ("y", "u"), ("y", "v")]
    names = ["x", "y"]
    table = {
        "from_edges of nothing": (lambda: connections.from_edges([]), "edge|Got"),
        "from_edges of words": (lambda: connections.from_edges(["a", "b"]), "pair|edge"),
        "from_edges of triples": (lambda: connections.from_edges([("a", "b", "c")]), "pair|edge"),
        "from_edges of a number": (lambda: connections.from_edges(3), "edge|3"),
        "from_edges of None": (lambda: connections.from_edges(None), "edge|None"),
        "from_edges of a cycle": (
            lambda: connections.from_edges([("a", "b"), ("b", "a")]),
            "cycle|loop|circ",
        ),
        "from_edges with inputs=3": (lambda: connections.from_edges(edges, inputs=3), "inputs"),
        "from_edges with unknown inputs": (
            lambda: connections.from_edges(edges, inputs=["q"]),
            "inputs|q",
        ),
        "banded of a word": (lambda: connections.banded("a"), "inputs|'a'"),
        "banded of no inputs": (lambda: connections.banded(0), "inputs|0"),
        "banded of -3": (lambda: connections.banded(-3), "-3"),
        "banded of 2.5": (lambda: connections.banded(2.5), r"2\.5"),
        "banded of width 0": (lambda: connections.banded(5, width=0), "width"),
        "banded of width 'a'": (lambda: connections.banded(5, width="a"), "width"),
        "banded of -1 units": (lambda: connections.banded(5, -1), "n_units"),
        "banded of 'a' units": (lambda: connections.banded(5, "a"), "n_units"),
        "blocks of too few groups": (lambda: connections.blocks(5, [0, 1]), "groups"),
        "blocks of unknown names": (lambda: connections.blocks(names, {"g": ["q"]}), "q"),
        "blocks of no units": (
            lambda: connections.blocks(2, [0, 1], units_per_block=0),
            "units_per_block",
        ),
        "random of density 2": (lambda: connections.random(5, 3, density=2), "density"),
        "random of density NaN": (lambda: connections.random(5, 3, density=NAN), "density"),
        "random of density 'a'": (lambda: connections.random(5, 3, density="a"), "density"),
        "random of -1 units": (lambda: connections.random(5, -1), "n_units"),
        "random of random_state='a'": (
            lambda: connections.random(5, 3, density=0.5, random_state="a"),
            "random_state|'a'|seed",
        ),
        "receptive_fields of a word": (lambda: connections.receptive_fields("a", 2), "shape|'a'"),
        "receptive_fields of 1-D": (lambda: connections.receptive_fields((4,), 2), "shape|4"),
        "receptive_fields of size 0": (
            lambda: connections.receptive_fields((4, 4), 0),
            "field_size",
        ),
        "receptive_fields of size 9": (
            lambda: connections.receptive_fields((4, 4), 9),
            "field",
        ),
        "receptive_fields of stride 0": (
            lambda: connections.receptive_fields((4, 4), 2, stride=0),
            "stride",
        ),
        "ConnectionMatrix of a word": (lambda: connections.ConnectionMatrix("a"), "matrix|'a'|a"),
        "ConnectionMatrix of NaN": (
            lambda: connections.ConnectionMatrix(np.full((2, 2), NAN)),
            "nan|0 and 1",
        ),
        "ConnectionMatrix with one name of two": (
            lambda: connections.ConnectionMatrix(np.eye(2), input_names=["a"]),
            "names",
        ),
        "ConnectionMatrix with a name twice": (
            lambda: connections.ConnectionMatrix(np.eye(2), unit_names=["a", "a"]),
            "names|'a'",
        ),
    }
    return table


def _calls_of_layers():
    X = np.ones((2, 3), "float32")
    return {
        "Saturate('a')": (lambda: layers.Saturate("a")(X), "limit|'a'"),
        "Saturate(-1)": (lambda: layers.Saturate(-1.0)(X), "limit|-1"),
        "Saturate(NaN)": (lambda: layers.Saturate(NAN)(X), "limit|nan"),
        "BoundedOutput('nope')": (lambda: layers.BoundedOutput("nope")(X), "nope"),
        "BoundedOutput('softplus', 'a')": (
            lambda: layers.BoundedOutput("softplus", "a")(X),
            "lower",
        ),
        "BoundedOutput('sigmoid')": (lambda: layers.BoundedOutput("sigmoid")(X), "upper"),
        "BoundedOutput('sigmoid', 1, 0)": (
            lambda: layers.BoundedOutput("sigmoid", 1.0, 0.0)(X),
            "upper",
        ),
        "BoundedOutput of a range without float32": (
            lambda: layers.BoundedOutput("sigmoid", 1.0, 1.0 + 1e-12, dtype="float32")(X),
            "float32",
        ),
        "ConnectedDense of four inputs": (
            lambda: layers.ConnectedDense(np.ones((4, 2)))(X),
            "4|shape",
        ),
        "ConnectedDense of a word": (lambda: layers.ConnectedDense("a")(X), "connections|'a'"),
        "ConnectedDense of kernel='nope'": (
            lambda: layers.ConnectedDense(np.ones((3, 2)), kernel="nope")(X),
            "kernel",
        ),
        "BatchedDense of -1 units": (lambda: layers.BatchedDense(-1, 2)(X), "-1"),
        "BatchedDense of a word": (lambda: layers.BatchedDense("a", 2)(X), "'a'"),
        "StraightThroughOneHot('a')": (
            lambda: layers.StraightThroughOneHot(temperature="a")(X),
            "temperature",
        ),
        "StraightThroughOneHot(0)": (
            lambda: layers.StraightThroughOneHot(temperature=0)(X),
            "temperature",
        ),
        "StraightThroughThreshold('a')": (
            lambda: layers.StraightThroughThreshold("a")(X),
            "threshold",
        ),
        "TopKSoftmax(0)": (lambda: layers.TopKSoftmax(0)(X), r"\bk\b"),
        "TopKSoftmax(9)": (lambda: layers.TopKSoftmax(9)(X), r"\bk\b|9"),
        "TopKSoftmax('a')": (lambda: layers.TopKSoftmax("a")(X), r"\bk\b"),
        "WeightedSum of one input": (lambda: layers.WeightedSum()(X), "two|2|list|weights"),
        "TweedieDeviance(0.5)": (lambda: losses.TweedieDeviance(0.5), "power"),
        "TweedieDeviance('a')": (lambda: losses.TweedieDeviance("a"), "power"),
        "PinballLoss(2)": (lambda: losses.PinballLoss(2), "quantile"),
        "PinballLoss('a')": (lambda: losses.PinballLoss("a"), "quantile"),
        **_calls_of_losses(),
    }


def _calls_of_losses():
    wrong = {
        losses.AsymmetricLoss: ["gamma_negative", "gamma_positive", "margin", "label_smoothing"],
        losses.CategoricalFocalLoss: ["gamma", "label_smoothing"],
        losses.LogLoss: ["label_smoothing"],
    }
    calls = {}
    for loss, names in wrong.items():
        for name in names:
            for value in (-1, NAN, float("inf"), "a", None, *([] if "gamma" in name else [1.0])):
                setting = {name: value}
                calls[f"{loss.__name__}({name}={value!r})"] = partial(loss, **setting), name
    return calls


def _calls_of_displays():
    X, y = positive_regression()
    A, b = two_classes()
    regressor = _net().fit(X, y)
    linear = LogisticRegression().fit(A, b)
    wired = skconstrain.SparseConnectedNet(np.eye(5), epochs=1).fit(X, y)
    gate = skconstrain.GatedEnsembleClassifier(epochs=1, random_state=0).fit(A, b)
    connection, of_gate = inspection.ConnectionDisplay, inspection.GateDisplay
    curve, thresholds = inspection.LossCurveDisplay, inspection.ThresholdCurveDisplay
    return {
        "ConnectionDisplay of a network without": (
            lambda: connection.from_estimator(regressor),
            "PositiveRegressor",
        ),
        "ConnectionDisplay before fit": (
            lambda: connection.from_estimator(clone(wired)),
            "not fitted",
        ),
        "ConnectionDisplay of None": (lambda: connection.from_estimator(None), "None"),
        "ConnectionDisplay of kind='nope'": (
            lambda: connection.from_estimator(wired, kind="nope"),
            "kind",
        ),
        "ConnectionDisplay of layer 9": (
            lambda: connection.from_estimator(wired, layers=9),
            "layers",
        ),
        "ConnectionDisplay of layer 'a'": (
            lambda: connection.from_estimator(wired, layers="a"),
            "layers",
        ),
        "ConnectionDisplay of max_units=0": (
            lambda: connection.from_estimator(wired, max_units=0),
            "max_units",
        ),
        "GateDisplay of another classifier": (
            lambda: of_gate.from_estimator(linear, A),
            "LogisticRegression",
        ),
        "GateDisplay before fit": (lambda: of_gate.from_estimator(clone(gate), A), "not fitted"),
        "GateDisplay of kind='nope'": (
            lambda: of_gate.from_estimator(gate, A, kind="nope"),
            "kind",
        ),
        "GateDisplay of y too short": (
            lambda: of_gate.from_estimator(gate, A, b[:-1]),
            "inconsistent|59",
        ),
        "GateDisplay of features=(0, 9)": (
            lambda: of_gate.from_estimator(gate, A, features=(0, 9)),
            "features|9",
        ),
        "GateDisplay of weights in one dimension": (
            lambda: of_gate.from_predictions(np.ones(5)),
            "gate_weights|shape|dim",
        ),
        "LossCurveDisplay before fit": (lambda: curve.from_estimator(_net()), "not fitted"),
        "LossCurveDisplay of another classifier": (
            lambda: curve.from_estimator(linear),
            "LogisticRegression",
        ),
        "LossCurveDisplay of None": (lambda: curve.from_estimator(None), "None"),
        "ThresholdCurveDisplay of a regressor": (
            lambda: thresholds.from_estimator(regressor, X, y),
            "classes|classifier",
        ),
        "ThresholdCurveDisplay of metric='nope'": (
            lambda: thresholds.from_predictions(b, np.linspace(0, 1, 60), metric="nope"),
            "metric|nope",
        ),
        "ThresholdCurveDisplay of scores too short": (
            lambda: thresholds.from_predictions(b, np.linspace(0, 1, 59)),
            "shape|inconsistent|59",
        ),
        "ThresholdCurveDisplay of scores with NaN": (
            lambda: thresholds.from_predictions(b, np.full(60, NAN)),
            "NaN",
        ),
    }


def _calls_of_labels():
    X, Y = labels()

    def net(**params):
        settings = {"epochs": 1, "random_state": 0, **params}
        return skconstrain.MultiLabelNetClassifier((4,), **settings)

    fitted = net().fit(X, Y)
    wrong = {
        "min_labels": [-1, 5, 1.5, "a"],
        "threshold": [2, [0.5] * 3, ["a"] * 4, [0.5] * 3 + [NAN], {"nope": 0.5}, {0: 7}],
    }
    found = {}
    for name, values in wrong.items():
        for value in values:
            found[f"labels: predict after set_params({name}={value!r})"] = (
                lambda name=name, value=value: (
                    copy.deepcopy(fitted).set_params(**{name: value}).predict(X)
                ),
                name,
            )
    wrong["class_weight"] = ["nope", {"nope": 1}, {9: 1}, {0: -1}, {0: NAN}, [1] * 3, [0] * 4]
    for name, values in wrong.items():
        for value in values:
            found[f"labels: fit with {name}={value!r}"] = (
                lambda name=name, value=value: net(**{name: value}).fit(X, Y),
                name,
            )
    return {
        **found,
        "labels: partial_fit with three of four": (
            lambda: copy.deepcopy(fitted).partial_fit(X, Y[:, :3]),
            "4",
        ),
        "labels: partial_fit with classes": (
            lambda: copy.deepcopy(fitted).partial_fit(X, Y[:, 0]),
            "vector of classes",
        ),
        "labels: y_val of three of four": (
            lambda: net().fit(X, Y, X_val=X, y_val=Y[:, :3]),
            "4",
        ),
        "labels: a gate": (
            lambda: skconstrain.GatedEnsembleClassifier(epochs=1).fit(X, Y),
            "columns",
        ),
    }


def function_calls() -> Iterator[Call]:
    """Yield calls of what is no network."""
    tables = (
        _calls_of_connections,
        _calls_of_layers,
        _calls_of_displays,
        _calls_of_labels,
        calls_of_searches,
        calls_of_tuner,
    )
    for table in tables:
        for name, (run, names) in table().items():
            yield Call(name, run, names)
