"""Folds that are stratified over several labels."""

from numbers import Integral, Real

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit, check_cv


def label_folds(cv, X, target, *, random_state, params):
    """Train and test rows of every split that holds out rows.

    Parameters
    ----------
    cv : None, int, float, splitter or iterable
        None is 5 folds, a float the share that one split holds out.
    X : array-like of shape (n_samples, n_features)
    target : ClassTarget
    random_state : int, RandomState instance or None
        Decides the splits that are made here.
    params : dict
        What the splitter's `split` is given beside X and y.

    Returns
    -------
    list of (ndarray, ndarray)
    """
    has_labels = target.n_labels is not None
    y = target.positive.astype(int) if has_labels else target.y
    splitter = _splitter(5 if cv is None else cv, y, has_labels, random_state)
    rows = np.arange(len(y))  # as some splitters give masks
    pairs = splitter.split(X, y, **params)
    splits = [(rows[train], rows[test]) for train, test in pairs if len(rows[test])]
    if not splits:
        raise ValueError(f"cv must hold out some rows. Got {cv!r}.")
    return splits


def _splitter(cv, y, has_labels, random_state):
    # Imported here: predicting does not need it.
    from iterstrat.ml_stratifiers import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit

    if isinstance(cv, Integral) and has_labels:
        # Shuffled: in data sorted by a label, one fold would hold all rows of some labels.
        return MultilabelStratifiedKFold(cv, shuffle=True, random_state=random_state)
    if isinstance(cv, Real) and not isinstance(cv, Integral):
        split = MultilabelStratifiedShuffleSplit if has_labels else StratifiedShuffleSplit
        return split(n_splits=1, test_size=cv, random_state=random_state)
    return check_cv(cv, y=None if has_labels else y, classifier=True)
