"""Problems as users state them, each solved by an estimator, and by public layers in Keras."""

import keras
import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.svm import SVC

from skconstrain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    SparseConnectedNet,
    TunedThresholdMultiLabelClassifierCV,
)
from skconstrain._formulas._links import LINKS
from skconstrain.layers import (
    BatchedDense,
    BoundedOutput,
    ConnectedDense,
    StraightThroughOneHot,
    WeightedSum,
)
from skconstrain.losses import AsymmetricLoss


# A gate that chooses one of three SVMs for each row.
def svm_case():
    """Three regions along the first feature, in each of them another rule and an SVM that has it.

    Returns the features, the class (-1 or 1) and the fitted SVMs.
    """
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 3, size=(900, 3))
    region = np.digitize(X[:, 0], [-1, 1])
    y = np.sign((X @ [[0, 0, 0], [1, -1, 0], [0, 1, -1]])[np.arange(900), region])
    svms = [SVC(kernel="linear").fit(X[region == r], y[region == r]) for r in range(3)]
    return X, y, svms


def gater():
    """Build a network that weighs the SVMs, and the part of it that gives their weights."""
    features, decisions = keras.Input((3,)), keras.Input((3,))
    hidden = keras.layers.Dense(20, "sigmoid")(features)
    scores = keras.layers.Dense(3, "sigmoid", use_bias=False, name="scores")(hidden)
    # Sigmoids differ by less than 1; at a temperature of 1 their softmax is nearly uniform.
    gate = StraightThroughOneHot(temperature=0.2)(scores)
    chosen = WeightedSum()([gate, decisions])
    model = keras.Model([features, decisions], keras.layers.Activation("tanh")(chosen))
    return model, keras.Model(features, [scores, gate])


def test_a_hard_gate_over_svms_by_layers_in_a_keras_model():
    X, y, svms = svm_case()
    decisions = np.column_stack([svm.decision_function(X) for svm in svms])
    keras.utils.set_random_seed(0)
    model, gate_model = gater()
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="mean_squared_error")
    before = [kernel.copy() for kernel in gate_model.get_weights()]
    model.fit([X, decisions], y, epochs=40, verbose=0)
    scores, gate = gate_model.predict(X, verbose=0)
    np.testing.assert_array_equal(gate, np.eye(3)[scores.argmax(axis=1)])
    assert all(
        (old != new).any() for old, new in zip(before, gate_model.get_weights(), strict=True)
    )
    best_svm = (np.sign(decisions) == y[:, None]).mean(axis=0).max()
    predicted = np.sign(model.predict([X, decisions], verbose=0)[:, 0])
    assert (predicted == y).mean() > best_svm + 0.1


def test_a_hard_gate_over_svms_by_the_estimator():
    X, y, machines = svm_case()
    model = GatedEnsembleClassifier(
        [(f"svm {i}", machine) for i, machine in enumerate(machines)],
        gating="hard",
        cv="prefit",
        gate_hidden_layer_sizes=(20,),
        activation="logistic",
        learning_rate=0.02,
        random_state=0,
    ).fit(X, y)
    gate = model.gate_proba(X)
    assert (np.sort(gate, axis=1) == [0, 0, 1]).all()
    best_svm = max(machine.score(X, y) for machine in machines)
    assert model.score(X, y) > best_svm + 0.1


def test_the_one_hot_of_the_largest_score():
    rows = np.array([[0.1, 0.7, 0.8], [0.1, 0.5, 0.5]])
    np.testing.assert_array_equal(StraightThroughOneHot()(rows), [[0, 0, 1], [0, 1, 0]])


# Parallel softmax models, merged by the weights of one more softmax.
L2 = keras.regularizers.L2(1e-4)


def mixture_case():
    """Three classes, whose rule is another one on each side of the first feature."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 4))
    rules = rng.normal(size=(2, 4, 3))
    eta = np.where(X[:, :1] > 0, X @ rules[0], X @ rules[1])
    return X, eta.argmax(axis=1)


def shared_inputs(n_experts):
    """All models read the same features, in one batched layer."""
    inputs = keras.Input((4,))
    hidden = BatchedDense(16, n_experts, activation="relu")(inputs)
    outputs = BatchedDense(3, n_experts, activation="softmax", kernel_regularizer=L2)(hidden)
    gate = keras.layers.Dense(n_experts, "softmax", kernel_regularizer=L2)(inputs)
    return keras.Model(inputs, WeightedSum()([gate, outputs])), outputs, gate


def own_inputs(n_experts):
    """Each model has an input and a topology of its own."""
    inputs = [keras.Input((4,)) for _ in range(n_experts + 1)]
    outputs = []
    for i, features in enumerate(inputs[1:]):
        hidden = keras.layers.Dense(12 + 4 * i, "relu")(features)
        outputs.append(keras.layers.Dense(3, "softmax", kernel_regularizer=L2)(hidden))
    stacked = keras.layers.Reshape((n_experts, 3))(keras.layers.Concatenate()(outputs))
    gate = keras.layers.Dense(n_experts, "softmax", kernel_regularizer=L2)(inputs[0])
    return keras.Model(inputs, WeightedSum()([gate, stacked])), stacked, gate


@pytest.mark.parametrize("topology", [shared_inputs, own_inputs])
def test_merged_softmax_models_by_layers_in_a_keras_model(topology):
    X, y = mixture_case()
    keras.utils.set_random_seed(0)
    model, outputs, gate = topology(n_experts=4)
    assert model.output_shape == (None, 3)
    assert len(model.losses) > 0
    rows = X if len(model.inputs) == 1 else [X] * len(model.inputs)
    before = model.get_weights()
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    model.fit(rows, y, epochs=25, verbose=0)
    assert all((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))
    probability = model.predict(rows, verbose=0)
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-6)
    parts = keras.Model(model.inputs, [gate, outputs]).predict(rows, verbose=0)
    np.testing.assert_allclose(probability, np.einsum("bl,blk->bk", *parts), rtol=1e-5)
    majority = np.bincount(y).max() / len(y)
    assert (probability.argmax(axis=1) == y).mean() > majority + 0.2


def test_merged_softmax_models_by_the_estimator():
    X, y = mixture_case()
    model = GatedEnsembleClassifier(
        n_experts=4, hidden_layer_sizes=(16,), learning_rate=0.01, random_state=0
    ).fit(X, y)
    probability = model.predict_proba(X)
    parts = model.gate_proba(X), model.expert_predict_proba(X)
    np.testing.assert_allclose(probability, np.einsum("bl,blk->bk", *parts), rtol=1e-9)
    majority = np.bincount(y).max() / len(y)
    assert model.score(X, y) > majority + 0.2


# An output that stays positive.
def positive_case():
    """52 features; a target that a plain network's tanh output cannot keep positive."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(520, 52))
    y = np.abs(X[:, 0] + 0.5 * X[:, 1]) * 0.4
    return X, y


@pytest.mark.parametrize("output", ["softplus", "sigmoid"])
def test_a_positive_output_by_the_estimator(output):
    X, y = positive_case()
    two_sided = LINKS[output].two_sided
    model = PositiveRegressor(
        (100, 40),
        output=output,
        upper=3.0 if two_sided else None,
        n_frequencies=0,
        loss="absolute_error",
        optimizer="sgd",
        learning_rate=0.1,
        epochs=200,
        batch_size=52,
        random_state=0,
    ).fit(X, y)
    assert (model.predict(100 * X) >= 0).all()
    median_error = np.abs(y - np.median(y)).mean()
    assert np.abs(model.predict(X) - y).mean() < 0.8 * median_error


@pytest.mark.parametrize("output", ["softplus", "sigmoid"])
def test_a_positive_output_by_the_layer_in_a_keras_model(output):
    X, y = positive_case()
    keras.utils.set_random_seed(0)
    two_sided = LINKS[output].two_sided
    model = keras.Sequential(
        [
            keras.Input((52,)),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(40, activation="softmax"),
            # An output above 0 from the start, where abs and square have a gradient.
            keras.layers.Dense(1, bias_initializer="zeros" if two_sided else "ones"),
            BoundedOutput(output, upper=3.0 if two_sided else None),
        ]
    )
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mean_absolute_error")
    first = model.evaluate(X, y, verbose=0)
    model.fit(X, y, epochs=25, batch_size=52, verbose=0)
    assert model.evaluate(X, y, verbose=0) < first
    assert (model.predict(100 * X, verbose=0) >= 0).all()


def test_positive_weights_by_a_constraint():
    X, y = positive_case()
    model = PositiveRegressor((20,), kernel_constraint="non_neg", epochs=5, random_state=0).fit(
        X, y
    )
    named = model._fitted.weights
    assert all((array >= 0).all() for name, array in named.items() if name.endswith("/kernel"))


# Ten labels of which any number may be active.
REAL = np.array([0, 1, 0, 1, 0, 1, 0, 0, 0, 1])


def labels_case():
    """Rows of noisy features whose first ones have the labels `REAL`; some labels are rare."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 20))
    directions = rng.normal(size=(20, 10))
    y = (X @ directions + rng.normal(size=(600, 10)) > [0, 0, 2, 2, 4, 4, 5, 5, 6, 6]).astype(int)
    X[:5] = 0.5 * np.linalg.lstsq(directions.T, 20.0 * REAL - 8, rcond=None)[0]
    y[:5] = REAL
    return X, y


def assert_labels_are_independent(probability, y):
    """Each label its own probability, their sum free, then a threshold."""
    assert ((probability >= 0) & (probability <= 1)).all()
    assert np.ptp(probability.sum(axis=1)) > 1  # no softmax
    np.testing.assert_array_equal(probability[0] >= 0.5, REAL)
    baseline = f1_score(y, np.ones_like(y), average="macro")
    assert f1_score(y, probability >= 0.5, average="macro") > baseline + 0.2


def test_several_labels_by_the_estimator():
    X, y = labels_case()
    settings = {"dropout": 0.2, "class_weight": "balanced", "epochs": 40, "random_state": 0}
    net = MultiLabelNetClassifier((160, 120, 80), **settings, tol=None)
    assert_labels_are_independent(net.fit(X, y).predict_proba(X), y)
    plain = MultiLabelNetClassifier((40,), epochs=30, tol=None, random_state=0)
    tuned = TunedThresholdMultiLabelClassifierCV(plain, cv=3, random_state=0)
    tuned.fit(X[:400], y[:400])
    at_half = plain.fit(X[:400], y[:400]).predict(X[400:])
    scores = [
        f1_score(y[400:], predicted, average="macro", zero_division=0)
        for predicted in (tuned.predict(X[400:]), at_half)
    ]
    assert scores[0] > scores[1]
    assert np.ptp(tuned.thresholds_) > 0.05


@pytest.mark.parametrize("loss", ["binary_crossentropy", AsymmetricLoss(1.0, 0.0, margin=0.0)])
def test_several_labels_by_the_loss_in_a_keras_model(loss):
    X, y = labels_case()
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((20,)),
            keras.layers.Dense(160, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(120, activation="relu"),
            keras.layers.Dense(80, activation="relu"),
            keras.layers.Dense(10, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss=loss)
    model.fit(X, y, epochs=20, verbose=0)
    assert_labels_are_independent(model.predict(X, verbose=0), y)


# Which neurons are connected. Every size differs, so that a transposed matrix shows.
def wiring_case():
    """Matrices A (7 x 5) and B (5 x 2), and targets made by a network of exactly these."""
    rng = np.random.default_rng(3)
    A = np.array(
        [
            [1, 0, 0, 0, 1],
            [1, 1, 0, 0, 0],
            [0, 1, 0, 0, 0],
            [0, 0, 1, 0, 0],
            [0, 0, 1, 1, 0],
            [0, 0, 0, 1, 0],
            [0, 0, 0, 0, 1],
        ]
    )
    B = np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 1]])
    X = rng.normal(size=(500, 7))
    y = np.tanh(np.maximum(X @ (A * rng.normal(size=A.shape)), 0) @ (B * rng.normal(size=B.shape)))
    return X, y, A, B


@pytest.mark.parametrize("kernel", ["dense", "sparse"])
def test_given_connections_by_the_estimator(kernel):
    X, y, A, B = wiring_case()
    net = SparseConnectedNet(
        [A, B],
        activation=["relu", "tanh"],
        bias_connections=[[1, 0, 1, 0, 1], None],
        output_connections=np.eye(2),
        kernel=kernel,
        batch_size=50,
        learning_rate=0.01,
        epochs=150,
        tol=None,
        random_state=1,
    ).fit(X, y)
    for weights, matrix in zip(net.connection_weights_, [A, B, np.eye(2)], strict=True):
        assert weights.shape == matrix.shape
        assert (weights.toarray()[matrix == 0] == 0.0).all()
        assert (weights.data != 0.0).all()
    assert (net.intercepts_[0][[1, 3]] == 0.0).all()
    assert net.score(X, y) > 0.8  # of the mean: 0


@pytest.mark.parametrize("kernel", ["dense", "sparse"])
def test_given_connections_by_the_layer_in_a_keras_model(kernel):
    X, y, A, B = wiring_case()
    keras.utils.set_random_seed(1)
    first = ConnectedDense(A, "relu", bias_connections=[1, 0, 1, 0, 1], kernel=kernel)
    model = keras.Sequential(
        [keras.Input((7,)), first, ConnectedDense(B, activation="tanh", kernel=kernel)]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="mean_squared_error")
    model.fit(X, y, epochs=40, verbose=0)
    for layer, matrix in zip(model.layers, [A, B], strict=True):
        weights = layer.connection_weights().toarray()
        assert (weights[matrix == 0] == 0.0).all()
        assert (weights[matrix == 1] != 0.0).all()
    assert (np.asarray(first.bias)[[1, 3]] == 0.0).all()
    assert model.evaluate(X, y, verbose=0) < 0.2 * y.var(axis=0).mean()
