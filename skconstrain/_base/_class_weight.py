"""Weights of classes, which become weights of rows or of targets."""

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from skconstrain._base._rows import Rows

if TYPE_CHECKING:
    from skconstrain._base._estimator import NetEstimator


def weighted_by_class(net: "NetEstimator", rows: Rows) -> Rows:
    """Bring the weights of classes, `class_weight`, into training rows.

    Raises
    ------
    ValueError
        If they are not positive numbers, or do not fit the classes, the labels or the loss.
    """
    given = net.class_weight
    if given is None:
        return rows
    if isinstance(given, Mapping):
        for name, weight in given.items():
            if not isinstance(weight, Real):
                raise ValueError(f"class_weight must hold numbers. Got {weight!r} for {name!r}.")
    if net._target_kind == "multilabel":
        return rows._replace(target=rows.target * _of_positives(net, rows))
    return rows._replace(weight=rows.weight * _of_rows(net, rows))


def _of_rows(net, rows):
    """Return the weight of each row of a 1-D target, by its class."""
    binary, given = net._target_kind == "binary", net.class_weight
    number = (rows.target[:, 0] if binary else rows.target.argmax(axis=1)).astype(int)
    if given == "balanced":
        present, total = np.unique(number), rows.weight.sum()
        weights = np.ones(len(net.classes_))
        weights[present] = [
            total / (len(present) * rows.weight[number == k].sum()) for k in present
        ]
    elif isinstance(given, Mapping):
        weights = compute_class_weight(given, classes=net.classes_, y=net.classes_)
    else:
        raise ValueError(
            "class_weight of a 1-D target must be None, 'balanced' or a dict of class -> "
            f"weight. Got {given!r}."
        )
    _check_positive(weights, net.classes_)
    return weights[number].astype(rows.weight.dtype)


def _of_positives(net, rows):
    """Return the weight of a positive of each label."""
    from skconstrain.losses._classification import weighs_positives

    given = net.class_weight
    if not weighs_positives(net.loss):
        raise ValueError(
            "class_weight of several labels needs a loss by its name, or one of LogLoss, "
            "CategoricalFocalLoss and AsymmetricLoss (skconstrain.losses): others know nothing "
            f"of it. Got loss={net.loss!r}. Use class_weight=None."
        )
    if isinstance(given, str):
        positive = rows.weight @ rows.target
        weights = np.ones(len(positive))
        np.divide(rows.weight.sum() - positive, positive, out=weights, where=positive > 0)
        return np.where(weights > 0, weights, 1.0)  # a label that is always 1
    if isinstance(given, Mapping):
        weights = np.ones(net.n_outputs_)
        for label, weight in given.items():
            weights[net._position(label, "class_weight")] = weight
    else:
        ratios = [_ratio(w) if isinstance(w, Mapping) else w for w in given]
        weights = as_numbers(ratios, "class_weight")
        if weights.shape != (net.n_outputs_,):
            raise ValueError(
                f"class_weight must hold one number for each of {net.n_outputs_} labels. "
                f"Got shape {weights.shape}."
            )
    _check_positive(weights, net._label_names)
    return weights


def _check_positive(weights, names):
    wrong = ~(np.isfinite(weights) & (weights > 0))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ValueError(
            "class_weight must be positive. "
            f"Got {weights[first]:g} for {names[first]}. Remove its rows instead."
        )


def _ratio(weights):
    """Return the weight of 1 over that of 0, as scikit-learn's forests take both of a label."""
    numbers = weights.get(1, 1), weights.get(0, 1)
    is_positive = all(isinstance(w, Real) and 0 < w < np.inf for w in numbers)
    if not is_positive or weights.keys() - {0, 1}:
        raise ValueError(
            "class_weight of a label must hold positive numbers for 0 and 1, as in {0: 1, 1: 5}. "
            f"Got {weights!r}."
        )
    return numbers[0] / numbers[1]


def as_numbers(values, name):
    """Return an array of floats of what a parameter holds."""
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers. Got {values!r}.") from error
