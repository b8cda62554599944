"""Decision functions of kernel SVMs as matrix products.

``SVC.decision_function`` visits one row and one support vector at a time. Here a block of rows
meets all support vectors in one product, many times faster and equal to rounding: what differs is
the order of the sums.

An RBF kernel's exponent ``-gamma ||x - s||^2`` is the product of two longer vectors, of
``[x, ||x||^2, 1]``, which all machines share, and ``[2 gamma s, -gamma, -gamma ||s||^2]``. Its
rounding error grows with the norms, so both are taken from a centre among the support vectors, and
rows too far from it get their distances by subtraction, as in libsvm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import issparse
from scipy.spatial.distance import cdist
from sklearn.svm import SVC, NuSVC

from skconstrain._sklearn_compat import ovr_decision_function, validate_data

KERNELS = ("linear", "poly", "rbf", "sigmoid")

# A kernel block of this size stays in the processor's cache while it is made, exponentiated and
# summed up: 64 MiB took 1.4 times as long, 1 MiB 1.2 times.
BLOCK_BYTES = 2**23

# gamma (||x||^2 + ||s||^2) up to which an expanded distance costs no more than 1e-12 of a kernel.
MAX_EXPANDED = 4096.0


def serves(estimator: object) -> bool:
    """Whether `decisions` knows the estimator: a fitted SVC or NuSVC of dense data, no subclass."""
    return (
        type(estimator) in (SVC, NuSVC)
        and isinstance(estimator.kernel, str)
        and estimator.kernel in KERNELS
        and hasattr(estimator, "support_vectors_")
        and not issparse(estimator.support_vectors_)
        and int(estimator.n_support_.sum()) == len(estimator.support_vectors_)
    )


def decisions(estimator: SVC, X) -> np.ndarray:
    """Return ``estimator.decision_function(X)``, to rounding.

    Parameters
    ----------
    estimator : SVC or NuSVC that `serves` accepts
    X : array-like of shape (n_samples, n_features), dense

    Returns
    -------
    ndarray of shape (n_samples,) for two classes, (n_samples, n_classes) with
    ``decision_function_shape="ovr"`` and (n_samples, n_classes * (n_classes - 1) / 2) with "ovo"
    """
    return decisions_of_all([estimator], X)[0]


def decisions_of_all(estimators: Sequence[SVC], X) -> list[np.ndarray]:
    """Return `decisions` of every estimator; they share what a row needs once."""
    for estimator in estimators:
        if not serves(estimator):
            raise ValueError(
                "decisions needs a fitted SVC or NuSVC with a named kernel on dense data. "
                f"Got {estimator!r}. Call its decision_function."
            )
    checked = [validate_data(e, X, dtype=np.float64, order="C", reset=False) for e in estimators]
    if not checked:
        return []
    centre = _centre(estimators)
    machines = [_Machine(estimator, centre) for estimator in estimators]
    step = max(1, BLOCK_BYTES // (8 * max(machine.width for machine in machines)))
    starts = range(0, len(checked[0]), step)
    blocks = (_Rows(checked[0][start : start + step], centre) for start in starts)
    of_blocks = [[machine.pairs(rows) for machine in machines] for rows in blocks]
    return [
        _shaped(estimator, np.concatenate(pairs))
        for estimator, pairs in zip(estimators, zip(*of_blocks, strict=True), strict=True)
    ]


def _centre(estimators):
    vectors = [e.support_vectors_ for e in estimators if len(e.support_vectors_)]
    return np.mean([v.mean(axis=0) for v in vectors], axis=0) if vectors else 0.0


def _shaped(estimator, pairs):
    """From shape (n_samples, n_pairs) to what decision_function returns."""
    n_classes = len(estimator.classes_)
    if n_classes == 2:
        return pairs[:, 0]
    if estimator.decision_function_shape == "ovr":
        return ovr_decision_function(pairs < 0, -pairs, n_classes)
    return pairs


@dataclass
class _Rows:
    """A block of rows; what several machines need of it is made once, where one of them asks."""

    plain: np.ndarray
    centre: np.ndarray | float

    @cached_property
    def lifted(self):
        """``[x, ||x||^2, 1]`` from the centre, of shape (n_rows, n_features + 2)."""
        centred = self.plain - self.centre
        return np.column_stack([centred, _squared_norms(centred), np.ones(len(centred))])


class _Machine:
    """One SVC's support vectors, made ready to meet blocks of rows."""

    def __init__(self, svc, centre):
        self.svc = svc
        # gamma="scale" and "auto" are numbers only in this attribute.
        self.gamma = svc._gamma
        self.kernel = getattr(self, f"_{svc.kernel}")
        self.width = max(1, len(svc.support_vectors_))
        ends = np.cumsum(svc.n_support_)
        self.of_class = [slice(end - n, end) for n, end in zip(svc.n_support_, ends, strict=True)]
        if svc.kernel == "linear":
            self.width, self.coef = svc.coef_.shape[0], svc.coef_.T
        elif svc.kernel == "rbf":
            centred = svc.support_vectors_ - centre
            norms = _squared_norms(centred)
            columns = [2 * centred, np.full(len(centred), -1.0), -norms]
            self.lifted = self.gamma * np.column_stack(columns).T
            self.room = MAX_EXPANDED - self.gamma * norms.max(initial=0.0)

    def pairs(self, rows):
        """Decisions of every pair of classes, of shape (n_rows, n_pairs)."""
        # Rows near the largest float overflow, here as in libsvm.
        with np.errstate(over="ignore", invalid="ignore"):
            return self.kernel(rows) + self.svc.intercept_

    def _linear(self, rows):
        return rows.plain @ self.coef

    def _poly(self, rows):
        return self._weighted(_power(self._dots(rows), self.svc.degree))

    def _sigmoid(self, rows):
        dots = self._dots(rows)
        return self._weighted(np.tanh(dots, out=dots))

    def _rbf(self, rows):
        exponents = rows.lifted @ self.lifted
        far = ~(self.gamma * rows.lifted[:, -2] <= self.room)  # infinite norms are far, too
        if far.any():
            distances = cdist(rows.plain[far], self.svc.support_vectors_, "sqeuclidean")
            exponents[far] = -self.gamma * distances
        return self._weighted(np.exp(exponents, out=exponents))

    def _dots(self, rows):
        """``gamma x's + coef0``, of shape (n_rows, n_support_vectors)."""
        dots = rows.plain @ self.svc.support_vectors_.T
        dots *= self.gamma
        dots += self.svc.coef0
        return dots

    def _weighted(self, kernel):
        """Sum kernels of shape (n_rows, n_support_vectors) up, one sum a pair of classes.

        Row ``j - 1`` of dual_coef_ holds the coefficients of class i's vectors against class j
        where i < j, and row ``j`` where j < i.
        """
        dual = self.svc.dual_coef_
        if len(dual) == 1:
            return kernel @ dual.T
        sums = [kernel[:, part] @ dual[:, part].T for part in self.of_class]
        n = len(sums)
        columns = [sums[i][:, j - 1] + sums[j][:, i] for i in range(n) for j in range(i + 1, n)]
        return np.column_stack(columns)


def _squared_norms(rows):
    return np.einsum("ij,ij->i", rows, rows)


def _power(base, degree):
    """Raise to a whole number; np.power takes a logarithm for every element."""
    result = np.ones_like(base) if degree % 2 == 0 else base.copy()
    while degree := degree // 2:
        base *= base
        if degree % 2:
            result *= base
    return result
