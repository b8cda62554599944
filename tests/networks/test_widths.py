"""Networks with columns of zeros beside their features train and end as they do without."""

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skconstrain import MultiLabelNetClassifier, PositiveRegressor
from skconstrain._stacked_fits._barrier import Barrier, _of_similar_width
from skconstrain._stacked_fits._request import Request
from skconstrain.model_selection import BatchedGridSearchCV

SETTINGS = {"n_networks": 1, "epochs": 8, "batch_size": 16, "tol": None, "random_state": 0}


def mixed_table():
    """Return a number, and categories of which folds see different ones."""
    rng = np.random.default_rng(0)
    category = np.arange(90) % 12
    category[:4] = [20, 21, 22, 23]
    category[40:43] = [30, 31, 32]
    X = np.column_stack([rng.normal(size=90), category])
    return X, np.exp(X[:, 0] / 2) + (category % 3)


def searches(net, grid, X, y):
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    pipeline = make_pipeline(make_column_transformer((encoder, [1]), remainder="passthrough"), net)
    step = pipeline.steps[-1][0]
    grid = {f"{step}__{name}": values for name, values in grid.items()}
    plain = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    return plain, BatchedGridSearchCV(pipeline, grid, cv=3).fit(X, y)


def n_categories(X, y):
    """Return how many categories each fold trains on."""
    return [len(np.unique(X[train, 1])) for train, _ in KFold(3).split(X, y)]


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "adamw", "rmsprop"])
def test_folds_of_different_width_share_a_stack(optimizer):
    X, y = mixed_table()
    net = PositiveRegressor((7,), optimizer=optimizer, early_stopping=True, **SETTINGS)
    plain, batched = searches(net, {"alpha": [0.0, 0.1, 1.0]}, X, y)
    assert len(set(n_categories(X, y))) > 1
    assert batched.stack_sizes_ == [9]
    for k in range(3):
        name = f"split{k}_test_score"
        np.testing.assert_allclose(
            batched.cv_results_[name], plain.cv_results_[name], rtol=1e-9, atol=1e-12
        )
    np.testing.assert_allclose(batched.predict(X), plain.predict(X), rtol=1e-9)


def test_what_training_goes_on_from_has_the_own_width():
    X, y = mixed_table()
    X = np.hstack([X[:, :1], (X[:, 1:] == np.unique(X[:, 1])).astype(float)])
    narrow, y_of_class = X[:, :-2], (y > 2).astype(int)

    def nets():
        return [
            MultiLabelNetClassifier((5,), warm_start=True, **{**SETTINGS, "random_state": i})
            for i in range(2)
        ]

    together, alone = nets(), nets()
    tables = [X, narrow]
    pairs = zip(together, tables, strict=True)
    barrier = Barrier()
    barrier.run([lambda net=net, X=X: net.fit(X, y_of_class) for net, X in pairs])
    assert barrier.stack_sizes == [2]
    for net, other, table in zip(together, alone, tables, strict=True):
        other.fit(table, y_of_class)
        for _ in range(2):
            for here, there in zip(net._weights, other._weights, strict=True):
                assert here.shape == there.shape
                np.testing.assert_allclose(here, there, rtol=1e-8, atol=1e-11)
            for here, there in zip(net._optimizer_state, other._optimizer_state, strict=True):
                np.testing.assert_allclose(here, there, rtol=1e-8, atol=1e-11)
            net.fit(table, y_of_class)
            other.fit(table, y_of_class)


def test_widths_that_are_far_apart_do_not_share():
    def request(width):
        return Request("key", None, 1, None, width)

    parts = _of_similar_width([request(width) for width in (100, 10, 11, 17, 90, 5)])
    assert [[r.width for r in part] for part in parts] == [[5, 10], [11, 17], [90, 100]]
