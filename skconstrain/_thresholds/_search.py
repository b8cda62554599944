"""The search for thresholds: each label by itself, or all labels by coordinate ascent."""

from collections.abc import Sequence

import numpy as np

from skconstrain._progress import current_bar
from skconstrain._thresholds._line import Decisions
from skconstrain._thresholds._metrics import Metric, f_beta
from skconstrain._thresholds._ranking import TIE, Ranking, best_cut
from skconstrain._thresholds._shrinkage import Shrinkage

# Ascent ends when a sweep gains nothing, in practice after three to five.
MAX_SWEEPS = 50


def tune_each(
    y_true: np.ndarray,
    y_score: np.ndarray,
    metrics: Sequence[Metric],
    *,
    weight: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    default: float = 0.5,
    limits: tuple[float, float] | None = (0.0, 1.0),
    fbr: float | None = None,
    shrinkage: float = 0.0,
    rankings: Sequence[Ranking] | None = None,
) -> np.ndarray:
    """Return the threshold of every label that is best for the label's own metric.

    With `shrinkage`, what is best for a label is drawn towards one threshold for all labels.

    Parameters
    ----------
    y_true : ndarray of bool of shape (n_samples, n_labels)
    y_score : ndarray of shape (n_samples, n_labels), larger where the label is more likely
    metrics : sequence of n_labels metrics
    weight : ndarray of shape (n_samples,), positive
    labels : ndarray of bool of shape (n_labels,), the labels that are tuned; all without it
    default : float, kept by labels without a positive, and the one that ties are near to
    limits : (float, float) or None, the range of the scores and of the thresholds
    fbr : float, labels whose best metric is below get their highest score as threshold: the
        fall-back of Fan and Lin (2007) for labels too rare to be tuned (SCutFBR.1 of Yang 2001)
    shrinkage : float, how many positives the common threshold counts as: see `Shrinkage`
    rankings : sequence of n_labels Ranking, if they are known

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
    """
    weight = np.ones(len(y_true)) if weight is None else weight
    thresholds = np.full(y_true.shape[1], float(default))
    shrunk = Shrinkage(y_true, y_score, default, limits) if shrinkage > 0 else None
    for label in tunable(y_true, labels):
        ranking = Ranking.of(y_score[:, label], limits) if rankings is None else rankings[label]
        scores = metrics[label](*ranking.counts(y_true[:, label], weight))
        cut = best_cut(scores, ranking, default)
        if fbr is not None and scores[cut] < fbr:
            thresholds[label] = ranking.edges[1:][ranking.starts < len(y_true)][-1]
        else:
            thresholds[label] = ranking.thresholds([cut], default)[0]
            if shrunk is not None:
                shrunk.note(label, ranking, scores)
    if shrunk is not None:
        shrunk.draw(thresholds, weight @ y_true, shrinkage)
    return thresholds


def tune_together(scoring, y_true, y_score, *, weight, labels, default, limits):
    """Thresholds of all labels by coordinate ascent on a score of all labels together.

    Starts from the better of two: the default everywhere, and the best F1 of every label by itself.

    Parameters
    ----------
    scoring : Scoring
        The score that is raised.
    y_true, y_score, weight, labels, default, limits
        As in `tune_each`.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
    """
    n_labels = y_true.shape[1]
    rankings = [Ranking.of(y_score[:, label], limits) for label in range(n_labels)]
    options = {"weight": weight, "labels": labels, "default": default, "limits": limits}
    by_label = tune_each(y_true, y_score, [f_beta()] * n_labels, rankings=rankings, **options)
    starts = []
    for thresholds in (np.full(n_labels, float(default)), by_label):
        cuts = map(Ranking.cut_at, rankings, thresholds)
        inside = [r.thresholds([cut], default)[0] for r, cut in zip(rankings, cuts, strict=True)]
        starts.append(
            Decisions(y_true, y_score, weight, inside, least=0, limits=limits, rankings=rankings)
        )
    decisions = max(starts, key=lambda start: scoring.value(start.outcomes))
    tuned = tunable(y_true, labels)
    ascend(scoring, decisions, tuned, default)
    thresholds = np.full(n_labels, float(default))
    thresholds[tuned] = decisions.thresholds[tuned]
    return thresholds


def tune_with_least(scoring, y_true, y_score, starts, *, least, default, **options):
    """Thresholds by coordinate ascent from the best of `starts`, where rows have `least` labels.

    The other parameters and the result are those of `tune_together`; `least` is fewer than all.
    """
    weight, settings = options["weight"], {"least": least, "limits": options["limits"]}
    starts = [Decisions(y_true, y_score, weight, start, **settings) for start in starts]
    decisions = max(starts, key=lambda start: scoring.value(start.outcomes))
    ascend(scoring, decisions, tunable(y_true, options["labels"]), default)
    return decisions.thresholds


def ascend(scoring, decisions, labels, default) -> float:
    """Move one label after the other to its best cut-off until a sweep gains nothing.

    Cyclic coordinate ascent, as Fan and Lin (2007) do it for micro-averaged F1. The score never
    gets worse; its value at the end is returned.
    """
    bar = current_bar()
    value = scoring.value(decisions.outcomes)
    for sweep in range(MAX_SWEEPS):
        before = value
        for done, label in enumerate(labels):
            passed = sweep + done / len(labels)
            # Nobody knows how many sweeps there will be: the share nears 1 by halves.
            bar.reach(1 - 0.5**passed)
            bar.note(f"sweep {sweep + 1}, label {done + 1} of {len(labels)}")
            _step(scoring, decisions, label, default)
        value = scoring.value(decisions.outcomes)
        if value <= before + TIE * abs(before):
            break
    return value


def _step(scoring, decisions, label, default):
    """Move the threshold of one label to its best cut-off, unless that is worse."""
    line, present = decisions.line(label), decisions.thresholds[label]
    current = None if decisions.least else line.ranking.cut_at(present)
    scores = scoring.along(line, current)
    cut = best_cut(scores, line.ranking, default)
    threshold = line.ranking.thresholds([cut], default)[0]
    if current is not None:
        if scores[cut] >= scores[current]:  # ties go to the threshold nearest to the default
            decisions.move(line, threshold)
        return
    # Rows whose margins are equal may be decided otherwise than along the line.
    value = scoring.value(decisions.outcomes)
    decisions.move(line, threshold)
    if scoring.value(decisions.outcomes) <= value + TIE * abs(value):
        decisions.move(line, present)


def tunable(y_true, labels) -> np.ndarray:
    """Return the numbers of the labels that have a positive, among those that may be tuned."""
    present = y_true.any(axis=0)
    return np.flatnonzero(present if labels is None else present & labels)


def score_cut_offs(scoring, held_out, thresholds, *, least, default, limits) -> dict:
    """Return the thresholds of all cut-offs of each label and their scores, others staying."""
    found = {"thresholds": [], "scores": []}
    settings = {"least": least, "limits": limits}
    decisions = Decisions(*held_out[:3], thresholds, **settings)
    for label in range(len(thresholds)):
        line = decisions.line(label)
        scores = scoring.along(line)
        examined = np.isfinite(scores)
        found["thresholds"].append(line.ranking.thresholds(default=default)[examined])
        found["scores"].append(scores[examined])
    return found
