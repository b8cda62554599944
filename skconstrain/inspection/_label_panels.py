"""A panel for each label: which labels, where, and what y holds of them."""

from abc import ABC, abstractmethod

import numpy as np

from skconstrain._targets import ClassTarget


class LabelDisplay(ABC):
    """A display with a panel for each label, by its `label_names`."""

    @abstractmethod
    def _draw(self, panel, label):
        """Draw the panel of a label."""

    @abstractmethod
    def _describe(self, shown, ax):
        """Name the axes of the panels of the labels shown."""

    def plot(self, *, labels=None, max_labels=12, ax=None):
        """Draw.

        Parameters
        ----------
        labels : list of int or str, default=None
            Columns or names of the labels shown, in this order.
        max_labels : int, default=12
            How many labels are shown where `labels` is None: the first ones.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided among the labels. A new figure without it.

        Returns
        -------
        display : ReliabilityDisplay or ThresholdCurveDisplay
            This display, with `axes_` and `figure_`.
        """
        shown = _shown_labels(self.label_names, labels, max_labels)
        self.figure_, self.axes_ = _label_axes(len(shown), ax)
        for panel, label in zip(self.axes_, shown, strict=True):
            self._draw(panel, label)
        self._describe(shown, ax)
        return self


def _shown_labels(names, labels, max_labels) -> list[int]:
    """Return the columns of the labels to show: those named or numbered, or the first ones.

    Raises
    ------
    ValueError
        If there is no such label.
    """
    names = list(names)
    if labels is None:
        return list(range(min(max_labels, len(names))))
    unknown = [label for label in labels if label not in names and not _is_column(label, names)]
    if unknown or not len(labels):
        raise ValueError(
            f"labels must name labels or columns of y, of which there are {len(names)}. "
            f"Got {unknown or labels!r}."
        )
    return [names.index(label) if label in names else int(label) for label in labels]


def _is_column(label, names):
    return isinstance(label, (int, np.integer)) and -len(names) <= label < len(names)


def _label_axes(n_shown, ax):
    """Return a figure and a panel for each label, in the place of `ax` if there is one."""
    import matplotlib.pyplot as plt
    from matplotlib.gridspec import GridSpecFromSubplotSpec

    n_columns = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3, 9: 3}.get(n_shown, 4)
    n_rows = -(-n_shown // n_columns)
    if ax is None:
        figure = plt.figure(
            figsize=(3.1 * n_columns + 0.4, 2.3 * n_rows + 0.8), layout="constrained"
        )
        grid = figure.add_gridspec(n_rows, n_columns)
    else:
        figure = ax.figure
        ax.set_axis_off()
        grid = GridSpecFromSubplotSpec(
            n_rows, n_columns, subplot_spec=ax.get_subplotspec(), hspace=0.6, wspace=0.3
        )
    panels = [figure.add_subplot(grid[i // n_columns, i % n_columns]) for i in range(n_shown)]
    return figure, np.array(panels, dtype=object)


def name_outer_axes(panels, x_name, y_name):
    """Name the horizontal axes of the lowest panel of each column, and the left vertical ones."""
    lowest = {panel.get_subplotspec().colspan.start: panel for panel in panels}
    for panel in panels:
        if panel in lowest.values():
            panel.set_xlabel(x_name)
        if panel.get_subplotspec().is_first_col():
            panel.set_ylabel(y_name)


def as_labels(y, classes):
    """Return a bool array (n_samples, n_labels), names, and two classes of a 1-D target or None."""
    target = ClassTarget.of(y)
    if target.n_labels is not None:
        names = target.names or [f"label {i}" for i in range(target.n_labels)]
        return target.values, names, None
    known = target.classes if np.ndim(classes) != 1 else np.asarray(classes)
    if len(known) > 2:
        raise ValueError(
            "y must be an indicator matrix or have two classes: a multiclass target has no "
            f"thresholds. Got {len(known)} classes."
        )
    return (target.values == known[-1])[:, None], [f"class {known[-1]}"], known
