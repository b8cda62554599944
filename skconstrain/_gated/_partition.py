"""Which rows belong to which fit: folds, and disjoint parts of bounded size for the experts."""

from numbers import Integral

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.model_selection import StratifiedKFold, check_cv


def make_folds(cv, y, rng: np.random.Generator):
    """Return the splitter that `cv` means for classes `y`; `rng` shuffles a number of folds."""
    if isinstance(cv, Integral):
        return StratifiedKFold(cv, shuffle=True, random_state=int(rng.integers(2**31)))
    return check_cv(cv, y, classifier=True)


def capped_assignment(score: np.ndarray, cap: int) -> np.ndarray:
    """Give each row to its best expert below the cap; a full one keeps its highest scores.

    Parameters
    ----------
    score
        Shape (n_rows, L): how well each expert suits a row. Compared between rows, too.
    cap
        Most rows that an expert takes; ``L * cap`` must reach n_rows.

    Returns
    -------
    owner
        Shape (n_rows,): an expert for each row, none of which has more than `cap` rows.
    """
    n_rows, n_experts = score.shape
    if n_experts * cap < n_rows:
        raise ValueError(f"{n_experts} experts of at most {cap} rows cannot take {n_rows} rows.")
    score = score.astype(float)
    owner, free = np.full(n_rows, -1), np.arange(n_rows)
    while len(free):
        owner[free] = np.argmax(score[free], axis=1)
        left = []
        for expert in np.unique(owner[free]):
            rows = np.flatnonzero(owner == expert)
            if len(rows) > cap:
                # The highest scores stay, whatever the order of the rows.
                rejected = rows[np.argsort(-score[rows, expert], kind="stable")[cap:]]
                score[rejected, expert] = -np.inf
                left.append(rejected)
        free = np.concatenate(left) if left else np.array([], int)
    return owner


def starting_parts(X: np.ndarray, n_parts: int, cap: int, seed: int) -> np.ndarray:
    """Cut rows into cells of k-means on standardised columns, of at most `cap` rows each.

    Returns
    -------
    owner
        Shape (n_rows,): the number of each row's cell.
    """
    spread = X.std(axis=0)
    scaled = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)
    cells = MiniBatchKMeans(n_parts, random_state=seed, n_init=3, batch_size=1024)
    cells.fit(scaled)
    return capped_assignment(-cells.transform(scaled), cap)
