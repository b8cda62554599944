"""How much a gate uses each expert, and how accurate experts and ensemble are there."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import column_or_1d

from skconstrain._sklearn_compat import check_sample_weight

_ROUNDING = 1e-3  # by which the weights of a row may miss 1: a softmax in half precision


@dataclass(frozen=True)
class GateShares:
    """Usage of experts and accuracies. An expert's share is the rows where its weight is largest.

    Attributes
    ----------
    usage : ndarray of shape (L,)
        Mean weight of each expert; sums to 1.
    lead : ndarray of shape (L,)
        Fraction of the rows in each expert's share; sums to 1. Ties go to the first expert.
    n_rows : ndarray of shape (L,)
        Rows in each share.
    accuracy : ndarray of shape (L,) or None
        Accuracy of each expert in its own share; NaN where that is empty. None without targets.
    overall_accuracy : ndarray of shape (L,) or None
        Accuracy of each expert on all rows.
    ensemble_accuracy : ndarray of shape (L,) or None
        Accuracy of the ensemble in each share; NaN where that is empty.
    ensemble_overall_accuracy : float or None
        Accuracy of the ensemble on all rows.
    """

    usage: np.ndarray
    lead: np.ndarray
    n_rows: np.ndarray
    accuracy: np.ndarray | None = None
    overall_accuracy: np.ndarray | None = None
    ensemble_accuracy: np.ndarray | None = None
    ensemble_overall_accuracy: float | None = None


def gate_shares(gate_weights, y_true=None, expert_pred=None, y_pred=None, sample_weight=None):
    """Compute usage, and accuracies where there are targets.

    Parameters
    ----------
    gate_weights : ndarray of shape (n_samples, L)
        Weights of the experts, from `checked_gate_weights`.
    y_true : array-like of shape (n_samples,) or None
        True classes.
    expert_pred : array-like of shape (n_samples, L) or None
        Class that each expert predicts.
    y_pred : array-like of shape (n_samples,) or None
        Class that the ensemble predicts.
    sample_weight : array-like of shape (n_samples,) or None
        Weights.

    Returns
    -------
    shares : GateShares
        The numbers.
    """
    n_rows, n_experts = gate_weights.shape
    weight = check_sample_weight(sample_weight, gate_weights, ensure_non_negative=True)
    if not weight.sum() > 0:
        raise ValueError("sample_weight must be above 0 for some row. Got zeros only.")
    leads = gate_weights.argmax(axis=1)[:, None] == np.arange(n_experts)
    share = weight[:, None] * leads
    use = {
        "usage": np.average(gate_weights, axis=0, weights=weight),
        "lead": share.sum(axis=0) / weight.sum(),
        "n_rows": leads.sum(axis=0),
    }
    given = {"y_true": y_true, "expert_pred": expert_pred, "y_pred": y_pred}
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given):
        return GateShares(**use)
    if missing:
        raise ValueError(f"Accuracies need {', '.join(given)}. Missing: {', '.join(missing)}.")
    y_true = checked_column("y_true", y_true, n_rows)
    expert_right = _checked_expert_pred(expert_pred, gate_weights.shape) == y_true[:, None]
    right = checked_column("y_pred", y_pred, n_rows) == y_true
    return GateShares(
        **use,
        accuracy=_means(expert_right, share),
        overall_accuracy=np.average(expert_right, axis=0, weights=weight),
        ensemble_accuracy=_means(right[:, None], share),
        ensemble_overall_accuracy=float(np.average(right, weights=weight)),
    )


def checked_gate_weights(gate_weights) -> np.ndarray:
    """Return the weights as an array of floats.

    Raises
    ------
    ValueError
        If they are not a weighting of experts for each of some rows.
    """
    weights = np.asarray(gate_weights, dtype=np.float64)
    if weights.ndim != 2 or 0 in weights.shape:
        raise ValueError(
            f"gate_weights must have shape (n_samples, n_experts). Got shape {weights.shape}."
        )
    sums = weights.sum(axis=1)
    wrong = ~(np.abs(sums - 1) <= _ROUNDING) | (weights < 0).any(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            "gate_weights must not be negative and must sum to 1 in each row. Got "
            f"{weights[row, :6].tolist()} at row {row}, which sums to {sums[row]:.6g}. Pass the "
            "output of the gate's softmax."
        )
    return weights


def checked_column(name, values, n_rows) -> np.ndarray:
    """Return one value for each row, or raise ``ValueError``."""
    values = column_or_1d(values, warn=False)
    if len(values) != n_rows:
        raise ValueError(
            f"{name} must have one entry for each of {n_rows} rows. Got {len(values)}."
        )
    return values


def _checked_expert_pred(expert_pred, shape):
    expert_pred = np.asarray(expert_pred)
    if expert_pred.shape != shape:
        raise ValueError(
            f"expert_pred must have shape {shape}, a class by each expert for each row. Got shape "
            f"{expert_pred.shape}. Of probabilities of shape (n_samples, n_experts, n_classes), "
            "pass classes[probabilities.argmax(axis=2)]."
        )
    return expert_pred


def _means(right, share):
    """Return weighted means of the columns, NaN where a column has no weight."""
    total = share.sum(axis=0)
    return np.divide(
        (right * share).sum(axis=0), total, out=np.full(len(total), np.nan), where=total > 0
    )
