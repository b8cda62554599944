"""Thresholds chosen on the rows that several splits have held out."""

from typing import NamedTuple

import numpy as np

from skconstrain._formulas._decisions import decide
from skconstrain._progress import current_bar
from skconstrain._thresholds._scores import HeldOut
from skconstrain._warn import warn


class Choice(NamedTuple):
    """Thresholds for the rows of all splits together, and for those of each by itself.

    Attributes
    ----------
    held_out : HeldOut, the rows of all splits
    thresholds : ndarray of shape (n_labels,)
    score : float, at these thresholds
    cv_thresholds : ndarray of shape (n_splits, n_labels), NaN where a split cannot choose
    """

    held_out: HeldOut
    thresholds: np.ndarray
    score: float
    cv_thresholds: np.ndarray

    @classmethod
    def on(cls, by_split: list[HeldOut], scoring, **options) -> "Choice":
        """Search on the rows of every split; `options` are those of `Scoring.tune`."""
        held_out = HeldOut.joined(by_split)
        bar = current_bar()
        bar.begin("thresholds", 1 + len(by_split))
        thresholds = scoring.tune(*held_out, **options)
        bar.done(1)
        predicted = decide(held_out.y_score, thresholds, options["least"])
        score = scoring.score(held_out.y_true, predicted, held_out.weight)
        cv_thresholds = np.full((len(by_split), len(thresholds)), np.nan)
        for own, part in zip(cv_thresholds, by_split, strict=True):
            bar.go_on()
            if part is held_out:  # a single split has been searched already
                own[part.labels] = thresholds[part.labels]
            elif part.labels.any():
                found = scoring.tune(*part, **options)
                own[part.labels] = found[part.labels]
            bar.done(1)
        return cls(held_out, thresholds, score, cv_thresholds)

    def warn_of_untuned(self, names, default) -> None:
        """Warn of labels that keep the default; `names` are those of all labels, or None."""
        tuned = self.held_out.labels
        if tuned.all():
            return
        kept = np.flatnonzero(~tuned).tolist() if names is None else names[~tuned].tolist()
        shown = ", ".join(map(repr, kept[:5])) + (", ..." if len(kept) > 5 else "")
        warn(
            f"{len(kept)} of {len(tuned)} labels have no positive that is held out while another "
            f"is trained on, so their threshold stays {default}: {shown}."
        )
