"""A network wired by what is known: one unit for each measurement.

The breast cancer data of scikit-learn has thirty columns: ten measurements of cell nuclei, each as
mean, standard error and worst value over an image. Columns are found by their names, and the three
of a measurement feed a unit of their own. So the network has 51 parameters, and each unit is a
score of one measurement that can be read and used by itself.

Run with ``python examples/wired_measurements.py``; it needs pandas. It prints cross-validated
scores beside those of logistic regression and dense networks, all tuned within the training folds
in the same way; then, out of fold, how well each unit separates the two diagnoses. It writes
``examples/wired_measurements.png``. Accuracy is at its ceiling on these data, with any of the
models: what the wiring adds is what can be read. The units are trained together, so one whose
measurement others know already says less than its columns would alone.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import SparseConnectedNetClassifier
from skconstrain.connections import blocks
from skconstrain.inspection import ConnectionDisplay

PICTURE = Path(__file__).with_suffix(".png")
WIRED = "wired, a unit a measurement"
OUTER = StratifiedKFold(5, shuffle=True, random_state=0)
INNER = StratifiedKFold(3, shuffle=True, random_state=1)
GRID = {"learning_rate": [0.003, 0.01], "alpha": [1e-4, 1.0]}
LOGISTIC_GRID = {"C": [0.01, 0.1, 1.0, 10.0]}

# %%
# Three columns of a measurement feed one unit.


def load_data():
    """Return the measurements, the diagnoses, and the connections of the columns by name."""
    data = load_breast_cancer(as_frame=True)
    columns = list(data.data.columns)
    measurement = [
        name.removeprefix("mean ").removeprefix("worst ").removesuffix(" error") for name in columns
    ]
    return data.data, data.target_names[data.target], blocks(columns, measurement)


# %%
# Dense networks and logistic regression, tuned in the same way.


def tuned(classifier, grid):
    """Standardise, then classify; choose settings by the log loss of inner folds."""
    search = GridSearchCV(classifier, grid, scoring="neg_log_loss", cv=INNER)
    # The scaler would return an array without set_output, and the columns lose their names.
    return make_pipeline(StandardScaler(), search).set_output(transform="pandas")


def network(connections=None, hidden_layer_sizes=()):
    """Return a tuned network."""
    net = SparseConnectedNetClassifier(
        connections,
        hidden_layer_sizes=hidden_layer_sizes,
        activation="tanh",
        batch_size=32,
        epochs=40,
        tol=None,
        dtype="float32",
        random_state=0,
    )
    return tuned(net, GRID)


def n_parameters(model):
    """Count the weights and biases of a fitted classifier."""
    if isinstance(model, LogisticRegression):
        return model.coef_.size + model.intercept_.size
    weights = sum(getattr(kernel, "nnz", kernel.size) for kernel in model.coefs_)
    return weights + sum(bias.size for bias in model.intercepts_)


def compare(X, y, wiring):
    """Print scores of all contestants; return the wired networks of the outer folds."""
    contestants = {
        "logistic regression": tuned(LogisticRegression(max_iter=1000), LOGISTIC_GRID),
        "dense, 30 units": network(hidden_layer_sizes=(30,)),
        "dense, 10 units": network(hidden_layer_sizes=(10,)),
        WIRED: network(wiring),
    }
    metrics = ["accuracy", "roc_auc", "neg_log_loss"]
    print(
        f"{'5-fold cross-validation':28} {'parameters':>10} {'accuracy':>15} {'AUC':>7} {'loss':>7}"
    )
    estimators = {}
    for name, model in contestants.items():
        result = cross_validate(model, X, y, cv=OUTER, scoring=metrics, return_estimator=True)
        estimators[name] = result["estimator"]
        accuracy, auc, loss = (result[f"test_{metric}"] for metric in metrics)
        number = n_parameters(estimators[name][0][-1].best_estimator_)
        spread = f"{accuracy.mean():.3f} +- {accuracy.std():.3f}"
        print(f"{name:28} {number:10d} {spread:>15} {auc.mean():7.4f} {-loss.mean():7.3f}")
    return estimators[WIRED]


# %%
# What each unit says, in samples that it has not seen.


def contributions(model, X):
    """Return what each measurement adds to the logit of "malignant", (n_samples, 10)."""
    *before, search = model.named_steps.values()
    for step in before:
        X = step.transform(X)
    net = search.best_estimator_
    return np.asarray(net.activations(X)) * net.coefs_[-1][:, 0]


def separate(models, X, y, wiring):
    """Print how well each unit tells the diagnoses apart, in the samples that it did not see."""
    alone = make_pipeline(StandardScaler(), LogisticRegression())
    scores = np.empty((2, len(models), wiring.shape[1]))
    for fold, (model, (train, test)) in enumerate(zip(models, OUTER.split(X, y), strict=True)):
        malignant = y[test] == "malignant"
        added = contributions(model, X.iloc[test])
        scores[0, fold] = [roc_auc_score(malignant, column) for column in added.T]
        for unit in range(wiring.shape[1]):
            columns = wiring.rows[wiring.columns == unit]
            fitted = clone(alone).fit(X.iloc[train, columns], y[train])
            score = fitted.decision_function(X.iloc[test, columns])
            scores[1, fold, unit] = roc_auc_score(malignant, score)
    together, apart = scores
    print(f"\n{'out-of-fold AUC':20} {'unit of the network':>20} {'its columns alone':>18}")
    for unit in np.argsort(-together.mean(axis=0)):
        figures = f"{together[:, unit].mean():.3f} +- {together[:, unit].std():.3f}"
        print(f"{wiring.unit_names[unit]:20} {figures:>20} {apart[:, unit].mean():18.3f}")


def draw(model):
    """Print the weights of each measurement, and draw the network."""
    net = model[-1].best_estimator_
    weights, out = net.coefs_[0].toarray(), net.coefs_[-1][:, 0]
    weights, out = weights * np.sign(out), np.abs(out)  # up is malignant: tanh is odd
    print(f"\n{'weights':20} {'mean':>7} {'error':>7} {'worst':>7} {'to output':>10}")
    for unit, name in enumerate(net.unit_names_[0]):
        figures = " ".join(f"{weight:7.2f}" for weight in weights[weights[:, unit] != 0, unit])
        print(f"{name:20} {figures} {out[unit]:10.2f}")
    display = ConnectionDisplay.from_estimator(model)
    display.figure_.savefig(PICTURE, dpi=110)
    print("picture:", PICTURE.name)


if __name__ == "__main__":
    features, diagnosis, connections = load_data()
    wired = compare(features, diagnosis, connections)
    separate(wired, features, diagnosis, connections)
    draw(network(connections).fit(features, diagnosis))
