"""LossCurveDisplay: the losses of a network's epochs."""

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skconstrain.inspection._inner_network import inner_network

# What validated epochs, by the `scoring` of classifiers; else the loss did.
_UNITS = {"brier": "Brier score"}
_TRAINING, _VALIDATION, _BEST = "#4c72b0", "#dd8452", "0.55"


class LossCurveDisplay:
    """Training loss, and validation loss where there is one, of every epoch.

    Shows whether training has ended too early (the curve still falls), diverges or flickers (a
    lower learning rate helps), or overfits (the validation loss rises while the other falls).

    Use :meth:`from_estimator`.

    Parameters
    ----------
    losses : array-like of shape (n_epochs,)
        Mean training loss of each epoch.
    validation_losses : array-like of shape (n_epochs,), default=None
        What was validated after each epoch; lower is better.
    validation_unit : str, default="loss"
        What that is: another one than "loss" has an axis of its own, on the right.
    best_epoch : int, default=None
        Epoch whose weights were kept, counted from 1.
    name : str, default=None
        Name of the network.

    Attributes
    ----------
    ax_ : matplotlib Axes
        With the curves.
    validation_ax_ : matplotlib Axes
        With the validation curve: `ax_`, or the axes on the right.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        The training curve, and the validation curve if there is one.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_diabetes
    >>> from skconstrain import PositiveRegressor
    >>> from skconstrain.inspection import LossCurveDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = PositiveRegressor(epochs=20, early_stopping=True, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(net)
    >>> len(display.lines_)
    2
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        losses,
        *,
        validation_losses=None,
        validation_unit="loss",
        best_epoch=None,
        name=None,
    ):
        self.losses = losses
        self.validation_losses = validation_losses
        self.validation_unit = validation_unit
        self.best_epoch = best_epoch
        self.name = name

    @classmethod
    def from_estimator(cls, estimator, *, name=None, ax=None, log_scale=False):
        """Draw the losses of a fitted network.

        Parameters
        ----------
        estimator : fitted estimator
            A network of this package, or scikit-learn's `MLPClassifier` or `MLPRegressor`, whose
            validation scores are no losses and are left out. Of a Pipeline its last step,
            of a search its best estimator. Classifiers with ``scoring="brier"`` are validated by
            the Brier score, which has an axis of its own.
        name : str, default=None
            Name in the legend; the name of the class if None.
        ax : matplotlib Axes, default=None
            Where to draw. A new figure without it.
        log_scale : bool, default=False
            Whether the losses are drawn on a logarithmic scale; they must be positive.

        Returns
        -------
        display : LossCurveDisplay
            With `ax_`, `figure_` and `lines_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError
            If it has no losses of epochs.
        ValueError
            If `log_scale` is True and a loss is not positive.
        """
        estimator = inner_network(estimator)
        _check_has_losses(estimator)
        validation_losses, best_epoch = None, None
        if not isinstance(estimator, MLPClassifier | MLPRegressor):
            scores = getattr(estimator, "validation_scores_", None)
            validation_losses = None if scores is None else -np.asarray(scores)
        if validation_losses is not None and estimator.early_stopping:
            best_epoch = int(np.argmin(validation_losses)) + 1
        display = cls(
            estimator.loss_curve_,
            validation_losses=validation_losses,
            validation_unit=_UNITS.get(getattr(estimator, "scoring", None), "loss"),
            best_epoch=best_epoch,
            name=type(estimator).__name__ if name is None else name,
        )
        return display.plot(ax=ax, log_scale=log_scale)

    def plot(self, *, ax=None, log_scale=False):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. A new figure without it.
        log_scale : bool, default=False
            Whether the losses are drawn on a logarithmic scale; they must be positive.

        Returns
        -------
        display : LossCurveDisplay
            With `ax_`, `figure_` and `lines_`.
        """
        curves = {"training": self.losses, "validation": self.validation_losses}
        curves = {kind: np.asarray(found) for kind, found in curves.items() if found is not None}
        if log_scale:
            _check_positive(curves)
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
        self.ax_ = self.validation_ax_ = ax
        self.figure_ = ax.figure
        scale = "log" if log_scale else "linear"
        ax.set(xlabel="epoch", ylabel="loss", yscale=scale)
        if "validation" in curves and self.validation_unit != "loss":
            self.validation_ax_ = ax.twinx()
            self.validation_ax_.set(ylabel=f"validation {self.validation_unit}", yscale=scale)
        self.lines_ = [self._draw(kind, losses) for kind, losses in curves.items()]
        if self.best_epoch is not None:
            label = f"weights kept (epoch {self.best_epoch})"
            ax.axvline(self.best_epoch, color=_BEST, linewidth=1, linestyle=":", label=label)
        ax.xaxis.get_major_locator().set_params(integer=True)
        for one in {ax, self.validation_ax_}:
            one.spines["top"].set_visible(False)
            one.spines["right"].set_visible(self.validation_ax_ is not ax)
        ax.legend(frameon=False)
        return self

    def _draw(self, kind, losses):
        epochs = np.arange(1, len(losses) + 1)
        color = {"training": _TRAINING, "validation": _VALIDATION}[kind]
        label = kind if self.name is None else f"{self.name}, {kind}"
        # A single epoch is a point: a line would not be seen.
        marker = "o" if len(losses) == 1 else None
        style = {"color": color, "marker": marker}
        if kind == "training" or self.validation_ax_ is self.ax_:
            return self.ax_.plot(epochs, losses, label=label, **style)[0]
        # An empty curve for the legend, which knows the axes on the left only.
        self.ax_.plot([], [], label=f"{label} ({self.validation_unit})", **style)
        return self.validation_ax_.plot(epochs, losses, **style)[0]


def _check_has_losses(estimator):
    if not hasattr(estimator, "loss_curve_"):
        raise TypeError(
            "estimator must have the losses of its epochs, loss_curve_, as the networks of this "
            f"package and scikit-learn's MLPs with a stochastic solver have. Got {estimator!r}."
        )


def _check_positive(curves):
    smallest = min(losses.min() for losses in curves.values())
    if smallest <= 0:
        raise ValueError(
            "log_scale=True needs positive losses. The smallest is "
            f"{smallest:.3g}. Use log_scale=False."
        )
