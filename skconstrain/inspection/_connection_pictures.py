"""Drawing of networks: columns of dots joined by lines, and matrices of weights."""

from dataclasses import dataclass
from textwrap import wrap

import numpy as np

from skconstrain.inspection._layered_layout import Edges, cells_of

_DOT, _INK, _FAINT = "#f5f5f5", "#222222", "#757575"
_TOP, _BOTTOM = 0.58, 0.3  # inches above and below the dots
_GAP = 2.3  # inches between two columns of a new figure
_LETTER = 0.55 / 72  # inches of a letter's width for each point of its size, on average
_MAX_LETTERS = 28
_MAX_CELLS = 300  # a cell must be no smaller than a pixel, or it may not be seen
_MAX_TICKS = 45


@dataclass(frozen=True)
class Column:
    """Units of one layer as they are drawn, from top to bottom.

    Attributes
    ----------
    title : str
        What the layer is called.
    n_units : int
        Units it has; those shown may be fewer.
    importances : ndarray of shape (n_shown,)
        In [0, 1]: size of the dots.
    labels : list of n_shown str or None
        Names.
    intercepts : ndarray of shape (n_shown,) or None
        Colour of the dots.
    """

    title: str
    n_units: int
    importances: np.ndarray
    labels: list | None
    intercepts: np.ndarray | None


def graph_size(columns: list[Column]) -> tuple[float, float]:
    """Return width and height, in inches, of a new figure."""
    longest = max(len(column.importances) for column in columns)
    height = float(np.clip(0.19 * longest, 2.6, 8.0)) + _TOP + _BOTTOM
    sides = sum(_side_width(column, 9.0) for column in (columns[0], columns[-1]))
    return _GAP * (len(columns) - 1) + sides + 1.2, height


def draw_graph(axes, columns: list[Column], edges: list[Edges], n_edges: list[int], colours):
    """Draw columns of dots, and lines between them.

    Parameters
    ----------
    axes : matplotlib Axes
        Where to draw.
    columns : list of n_columns Column
        Columns from left to right.
    edges : list of n_columns - 1 Edges
        Lines, the last on top.
    n_edges : list of n_columns - 1 int
        Connections that the network has there.
    colours : matplotlib ScalarMappable
        Colour of a weight.
    """
    axes.set_axis_off()
    place = _Frame(axes, columns)
    for i, one in enumerate(edges):
        _draw_edges(axes, one, i, [len(columns[j].importances) for j in (i, i + 1)], colours)
        if len(one.weights) < n_edges[i]:
            text = f"{len(one.weights):,} of {n_edges[i]:,}\nconnections shown"
            axes.text(i + 0.5, place.low, text, ha="center", va="bottom", color=_FAINT, fontsize=7)
    for i, column in enumerate(columns):
        _draw_column(axes, column, i, place, colours)


def draw_matrix(axes, matrix, n_connections, cmap, vmax, labels, titles):
    """Draw the weights of one layer, blank where nothing is connected.

    Parameters
    ----------
    axes : matplotlib Axes
        Where to draw.
    matrix : {ndarray, csr_array} of shape (n_units_below, n_units)
        Weights.
    n_connections : int
        How many there are.
    cmap : str or matplotlib Colormap
        Colours.
    vmax : float or None
        Weight of the last colour.
    labels : list of 2 (sequence of str or None)
        Names of the rows and of the columns.
    titles : list of 2 str
        What rows and columns are.
    """
    n_rows, n_columns = matrix.shape
    box = axes.get_window_extent()
    space = [int(np.clip(size, 30, _MAX_CELLS)) for size in (box.height, box.width)]
    cells = cells_of(matrix, space)
    image = axes.imshow(
        np.ma.masked_invalid(cells), aspect="auto", cmap=cmap, norm=weight_norm([cells], vmax),
        extent=(-0.5, n_columns - 0.5, n_rows - 0.5, -0.5), interpolation="nearest",
    )  # fmt: skip
    axes.set_ylabel(f"{titles[0]} ({n_rows:,})")
    axes.set_xlabel(f"{titles[1]} ({n_columns:,})")
    _set_ticks(axes.yaxis, n_rows, labels[0])
    _set_ticks(axes.xaxis, n_columns, labels[1], rotation=90)
    inch = axes.figure.dpi / box.width
    title = _matrix_title(matrix.shape, n_connections, cells.shape)
    lines = [line for part in title for line in wrap(part, max(18, int(1 / inch / _LETTER / 8)))]
    axes.set_title("\n".join(lines), loc="left", fontsize=8)
    bar = axes.inset_axes([1 + 0.1 * inch, 0.0, 0.13 * inch, 1.0])
    draw_colour_bar(image, "weight", cax=bar)


def weight_norm(weights, vmax):
    """Return the scale of colours: zero in the middle, and a few extremes beyond its ends."""
    from matplotlib.colors import Normalize

    if vmax is None:
        vmax = max((_usual_size(one) for one in weights), default=0.0) or 1.0
    return Normalize(-vmax, vmax)


def draw_colour_bar(colours, label, **where):
    """Draw the legend of the colours; its ends are pointed where weights lie beyond."""
    data, vmax = np.ma.compressed(colours.get_array()), colours.norm.vmax
    beyond = bool((data > vmax).any()), bool((data < -vmax).any())
    extend = {(True, True): "both", (True, False): "max", (False, True): "min"}.get(beyond)
    axes = where.get("cax", where.get("ax"))
    bar = axes.figure.colorbar(colours, extend=extend or "neither", label=label, **where)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, length=2)


class _Frame:
    """Data limits that leave space for names on both sides and titles above."""

    def __init__(self, axes, columns):
        box = axes.get_window_extent()
        dpi = axes.figure.dpi
        width, height = box.width / dpi, box.height / dpi
        self.inner = max(0.2 * height, height - _TOP - _BOTTOM)
        self.low = -_BOTTOM / self.inner
        self.sizes = [self._font(len(column.importances)) for column in columns]
        left, right = (min(0.3 * width, _side_width(columns[i], self.sizes[i])) for i in (0, -1))
        self.gap = (width - left - right) / (len(columns) - 1)
        self.side_letters = [_letters(0.3 * width - 0.12, size) for size in self.sizes]
        axes.set_xlim(-left / self.gap, len(columns) - 1 + right / self.gap)
        axes.set_ylim(self.low, 1 + _TOP / self.inner)

    def _font(self, n_units):
        """Points of a name in a column, so that lines do not touch."""
        return min(9.0, 0.86 * self.spacing(n_units))

    def spacing(self, n_units):
        """Points between two dots."""
        return 72 * self.inner / max(1, n_units)


def _draw_edges(axes, edges, column, sizes, colours):
    from matplotlib.collections import LineCollection

    start, end = (_heights(size) for size in sizes)
    if not len(edges.weights):
        return
    segments = np.empty((len(edges.weights), 2, 2))
    segments[:, 0, 0], segments[:, 1, 0] = column, column + 1
    segments[:, 0, 1], segments[:, 1, 1] = start[edges.starts], end[edges.ends]
    size = np.abs(edges.weights)
    size = size / (size.max() or 1.0)
    # Many lines must be thin and pale to be told apart, and the weakest of a few must not vanish.
    share = 1 / np.sqrt(len(size))
    thickest, thinnest, palest = (
        np.clip(part * share, low, high)
        for part, low, high in [(45, 0.7, 3.2), (8, 0.35, 0.9), (8, 0.3, 0.85)]
    )
    lines = LineCollection(
        segments, cmap=colours.cmap, norm=colours.norm, array=edges.weights, zorder=1,
        linewidths=thinnest + (thickest - thinnest) * size, alpha=palest + (1 - palest) * size,
        capstyle="round", rasterized=len(size) > 10_000,
    )  # fmt: skip
    axes.add_collection(lines, autolim=False)


def _draw_column(axes, column, i, place, colours):
    n_shown, heights = len(column.importances), _heights(len(column.importances))
    diameter = np.clip(0.75 * place.spacing(n_shown), 1.5, 10.0)
    if column.intercepts is None:
        colour = {"color": _DOT}
    else:
        colour = {"c": column.intercepts, "cmap": colours.cmap, "norm": colours.norm}
    axes.scatter(
        np.full(n_shown, i), heights, s=diameter**2 * (0.25 + 0.75 * column.importances),
        edgecolors=_INK, linewidths=0.7 if diameter > 4 else 0.3, zorder=3, clip_on=False, **colour,
    )  # fmt: skip
    top = axes.get_ylim()[1]
    axes.text(i, top, column.title, ha="center", va="top", weight="bold", fontsize=9, color=_INK)
    count = f"{column.n_units:,} unit{'s' if column.n_units != 1 else ''}"
    if n_shown < column.n_units:
        count = f"{n_shown:,} of {count} shown"
    below = top - 0.19 / place.inner
    axes.text(i, below, count, ha="center", va="top", fontsize=7.5, color=_FAINT)
    if column.labels is not None and place.sizes[i] >= 4.5:
        _draw_labels(axes, column.labels, i, heights, place, diameter)


def _draw_labels(axes, labels, i, heights, place, diameter):
    from matplotlib.patheffects import withStroke

    size, last = place.sizes[i], len(place.sizes) - 1
    away, letters = diameter / 2 + 3, place.side_letters[i]
    where = {"xytext": (away, 0), "ha": "left", "va": "center"}
    if i == 0:
        where = {"xytext": (-away, 0), "ha": "right", "va": "center"}
    elif i < last:
        letters = _letters(0.62 * place.gap, size)
        if place.spacing(len(labels)) > 2.4 * size + diameter / 2:
            where = {"xytext": (0, diameter / 2 + 1), "ha": "center", "va": "bottom"}
    for label, height in zip(labels, heights, strict=True):
        axes.annotate(
            shortened(label, letters), (i, height), textcoords="offset points", fontsize=size,
            color=_INK, zorder=4, path_effects=[withStroke(linewidth=2, foreground="white")],
            annotation_clip=False, **where,
        )  # fmt: skip


def shortened(label: str, letters: int) -> str:
    """Return the label, with an ellipsis at its end where it is longer than `letters`."""
    if len(label) <= letters:
        return label
    return label[: max(1, letters - 1)].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def _heights(n_units):
    return 1 - (np.arange(n_units) + 0.5) / max(1, n_units)


def _letters(inches, size):
    return int(np.clip(inches / (_LETTER * max(size, 1.0)), 4, _MAX_LETTERS))


def _side_width(column, size):
    """Inches that the names of the first or last column take, and at least half its title."""
    longest = max((len(label) for label in column.labels or ()), default=0)
    return max(0.6, 0.15 + min(longest, _MAX_LETTERS) * _LETTER * max(size, 1.0))


def _usual_size(weights):
    sizes = np.abs(weights[np.isfinite(weights)])
    return float(np.quantile(sizes, 0.99)) if sizes.size else 0.0


def _set_ticks(axis, n_units, names, rotation=0):
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if names is not None and n_units <= _MAX_TICKS:
        size = 8 if n_units <= 25 else 6.5
        labels = [shortened(name, 20) for name in names]
        axis.set_ticks(np.arange(n_units), labels, fontsize=size, rotation=rotation)
        return
    if n_units <= 5:
        axis.set_ticks(np.arange(n_units))
    else:
        axis.set_major_locator(MaxNLocator(5, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set_tick_params(labelsize=8)


def _matrix_title(shape, n_connections, n_cells):
    n_possible = shape[0] * shape[1]
    title = [f"{n_connections:,} connections"]
    if n_connections < n_possible:
        title[0] += f", {100 * n_connections / n_possible:.2g} % of the possible"
    if tuple(n_cells) != tuple(shape):
        rows, columns = (-(-size // n) for size, n in zip(shape, n_cells, strict=True))
        title.append(f"a cell shows the strongest of up to {rows:,} x {columns:,}")
    return title
