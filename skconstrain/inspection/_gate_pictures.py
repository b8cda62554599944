"""Drawing of gates: regions of experts, bars of their usage, dots of their accuracy."""

import numpy as np
from scipy import ndimage

from skconstrain.inspection._connection_pictures import shortened

# Okabe and Ito's, told apart by the colour-blind; not the black, which is for samples and lines.
PALETTE = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999",
)  # fmt: skip
_INK, _FAINT = "#222222", "#757575"
_PALEST, _DEEPEST = 0.12, 0.85  # opacity of a gate that is undecided, and of one that is decided
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
_FILLS = ("white", _INK, "#a0a0a0")
_MAX_CLASSES = 12  # in a legend
_LETTER = 0.56  # of the size of letters: their width, on average
_SMOOTH = 0.8  # steps of the grid, by which the stairs of a boundary are blurred


def expert_colours(n_experts, preferred=None) -> np.ndarray:
    """Choose a colour for each expert; neighbours differ where there are more than colours.

    Parameters
    ----------
    n_experts : int
        Number of experts.
    preferred : ndarray of shape (n_steps, n_steps) or None
        Expert of each point of a picture.

    Returns
    -------
    colours : ndarray of shape (n_experts, 3)
        Red, green and blue.
    """
    from matplotlib.colors import to_rgb

    palette = np.array([to_rgb(colour) for colour in PALETTE])
    if n_experts <= len(palette) or preferred is None:
        return palette[np.arange(n_experts) % len(palette)]
    touching = _touching(n_experts, preferred)
    chosen = np.full(n_experts, -1)
    used = np.zeros(len(palette))
    for i in np.argsort(-touching.sum(axis=1), kind="stable"):
        near = chosen[touching[i] > 0]
        conflicts = np.bincount(near[near >= 0], minlength=len(palette))
        chosen[i] = np.lexsort((used, conflicts))[0]
        used[chosen[i]] += 1
    return palette[chosen]


def draw_regions(axes, regions, names, colours, *, max_samples, legend):
    """Draw which expert decides where.

    Parameters
    ----------
    axes : matplotlib Axes
        Where to draw.
    regions : GateRegions
        The gate on a grid.
    names : list of L str
        Names of the experts.
    colours : ndarray of shape (L, 3)
        Their colours.
    max_samples : int
        Rows that are drawn as dots.
    legend : bool
        Whether to list the experts that have a region.
    """
    steps = [np.diff(ticks[:2])[0] / 2 for ticks in (regions.x, regions.y)]
    extent = [
        end
        for ticks, step in zip((regions.x, regions.y), steps, strict=True)
        for end in (ticks[0] - step, ticks[-1] + step)
    ]
    opacity = _PALEST + (_DEEPEST - _PALEST) * regions.decided
    image = np.concatenate([colours[regions.preferred], opacity[..., None]], axis=-1)
    axes.imshow(image, extent=extent, origin="lower", aspect="auto", interpolation="nearest")
    _draw_borders(axes, regions, regions.preferred, colors="white", linewidths=0.9)
    _draw_borders(axes, regions, regions.predicted, colors=_INK, linewidths=1.3)
    handles = [_patch(names[i], colours[i]) for i in np.unique(regions.preferred)] if legend else []
    handles += _draw_samples(axes, regions, max_samples)
    axes.figure.draw_without_rendering()  # fixes the size of the axes, for names must fit
    _draw_names(axes, regions, names, extent)
    axes.set_xlabel(shortened(regions.names[0], 40))
    axes.set_ylabel(shortened(regions.names[1], 40))
    _draw_title(axes, "preferred expert", _explanation(regions))
    if handles or len(np.unique(regions.predicted)) > 1:
        _draw_legend(axes, [*handles, *_boundary_handle(regions)])


def draw_usage(axes, shares, names, colours):
    """Draw a bar for each expert: its mean weight, with a mark at the share of rows it leads."""
    places, size = np.arange(len(names)), _letter_size(axes, len(names))
    axes.barh(places, shares.usage, color=colours, height=0.7, zorder=2)
    soft = not np.allclose(shares.usage, shares.lead, atol=5e-4)
    for i in np.flatnonzero(shares.n_rows) if soft else ():
        style = {"color": _INK, "linewidth": 1.6, "zorder": 3, "label": "rows where it leads"}
        axes.plot([shares.lead[i]] * 2, [i - 0.42, i + 0.42], **style)
    ends = np.maximum(shares.usage, shares.lead if soft else 0)
    for i, end in enumerate(ends):
        axes.annotate(
            _usage_text(shares, i), (end, i), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize=size, color=_INK if shares.n_rows[i] else _FAINT,
        )  # fmt: skip
    labels = [shortened(name, 24) for name in names]
    axes.set_yticks(places, labels, fontsize=size)
    for label, n_rows in zip(axes.get_yticklabels(), shares.n_rows, strict=True):
        label.set_color(_INK if n_rows else _FAINT)
    axes.set_xlim(0, 1.45 * ends.max())  # space for the numbers
    _finish_rows(axes, len(names), "share of the rows")
    axes.tick_params(axis="y", length=0)
    _draw_title(axes, "usage", "mean weight of the gate (rows where it leads)")
    if soft:
        _draw_legend(axes, axes.get_legend_handles_labels()[0][:1])


def draw_accuracy(axes, shares, colours):
    """Draw dots for each expert: its accuracy within its share and everywhere, the ensemble's."""
    places, led = np.arange(len(colours)), shares.n_rows > 0
    dots = {"edgecolors": _INK, "linewidths": 0.9}
    axes.hlines(places, shares.overall_accuracy, shares.accuracy, colors=colours, linewidth=2.5)
    axes.axvline(
        shares.ensemble_overall_accuracy, color=_FAINT, linewidth=1, linestyle="--", zorder=1,
        label="ensemble, all rows",
    )  # fmt: skip
    axes.scatter(
        shares.overall_accuracy, places, s=34, color="white", zorder=3, label="expert, all rows",
        **dots,
    )  # fmt: skip
    axes.scatter(
        shares.accuracy, places, s=58, c=colours, zorder=4, label="expert, its share", **dots
    )
    axes.scatter(
        shares.ensemble_accuracy, places, s=150, marker="|", color=_INK, linewidths=1.8, zorder=5,
        label="ensemble, that share",
    )  # fmt: skip
    drawn = [shares.overall_accuracy, shares.accuracy[led], shares.ensemble_accuracy[led]]
    values = np.concatenate([*drawn, [shares.ensemble_overall_accuracy]])
    values = values[np.isfinite(values)]
    margin = 0.06 * (values.max() - values.min()) or 0.05
    axes.set_xlim(values.min() - margin, values.max() + margin)
    _finish_rows(axes, len(colours), "accuracy")
    axes.tick_params(axis="y", length=0, labelleft=False)
    _draw_title(axes, "accuracy", "share: the rows where an expert leads")
    _draw_legend(axes, axes.get_legend_handles_labels()[0])


def _touching(n_experts, preferred):
    """Count pairs of neighbouring points of different experts, shape (n_experts, n_experts)."""
    counts = np.zeros((n_experts, n_experts))
    for one, other in [
        (preferred[1:], preferred[:-1]),
        (preferred[:, 1:], preferred[:, :-1]),
    ]:
        np.add.at(counts, (one, other), 1)
        np.add.at(counts, (other, one), 1)
    np.fill_diagonal(counts, 0)
    return counts


def _draw_borders(axes, regions, numbers, **style):
    """Draw lines between points of different numbers."""
    found = np.unique(numbers)
    for number in found[1:] if len(found) <= 2 else found:
        # The exact border is a staircase of the grid's points.
        inside = ndimage.gaussian_filter((numbers == number).astype(float), _SMOOTH, mode="nearest")
        if inside.min() < 0.5 < inside.max():
            axes.contour(regions.x, regions.y, inside, [0.5], **style)


def _explanation(regions):
    certain = regions.decided.min() > 0.999
    text = "the gate is decided" if certain else "pale where the gate is undecided"
    if regions.n_held:
        other = "feature" if regions.n_held == 1 else "features"
        text += f"; {regions.n_held:,} other {other} at the median"
    return text


def _boundary_handle(regions):
    from matplotlib.lines import Line2D

    if len(np.unique(regions.predicted)) == 1:
        return []
    return [Line2D([], [], color=_INK, linewidth=1.3, label="decision boundary")]


def _draw_samples(axes, regions, max_samples):
    """Draw some of the rows, and return what a legend shows of them."""
    n_samples = len(regions.samples)
    shown = np.arange(n_samples)
    if n_samples > max_samples:
        shown = np.sort(np.random.default_rng(0).choice(n_samples, max_samples, replace=False))
        text = f"{max_samples:,} of {n_samples:,} samples shown"
        where = {"ha": "right", "va": "bottom", "transform": axes.transAxes, "zorder": 7}
        axes.text(0.99, 0.01, text, fontsize=7, color=_INK, path_effects=_halo(), **where)
    points, size = regions.samples[shown], float(np.clip(7_000 / max(1, len(shown)), 9, 24))
    if regions.labels is None:
        return [axes.scatter(*points.T, label="sample", **_marker(0, "", 1, size))]
    handles = []
    for code, name in enumerate(regions.classes):
        mine = points[regions.labels[shown] == code]
        mark = _marker(code, str(name), len(regions.classes), size)
        handles.append(axes.scatter(*mine.T, label=shortened(f"class {name}", 20), **mark))
    return handles if len(handles) <= _MAX_CLASSES else []


def _marker(code, name, n_classes, size):
    """Return how samples of a class look: a symbol, or its name among several short ones."""
    style = {"c": _FILLS[code % len(_FILLS)], "edgecolors": _INK, "linewidths": 0.5, "zorder": 4}
    if n_classes > len(_FILLS) and len(name) <= 2 and name.isalnum():
        style |= {"c": _INK, "linewidths": 0.2, "marker": f"$\\mathrm{{{name}}}$"}
        return {**style, "s": 2.2 * size * len(name)}
    return {**style, "s": size, "marker": _MARKERS[code % len(_MARKERS)]}


def _draw_names(axes, regions, names, extent):
    """Write the name of each expert into each part of its region that is large enough."""
    box, n_steps = axes.get_window_extent(), len(regions.x)
    cell = np.array([box.height, box.width]) * 72 / axes.figure.dpi / n_steps  # in points
    size = 8.5
    for i in np.unique(regions.preferred):
        parts, n_parts = ndimage.label(regions.preferred == i)
        name = shortened(names[i], 24)
        needed = max(0.75 * size, 0.33 * _LETTER * size * len(name))
        for part in range(1, n_parts + 1):
            inside = np.pad(parts == part, 1)
            depth = ndimage.distance_transform_edt(inside, sampling=cell)[1:-1, 1:-1]
            row, column = np.unravel_index(depth.argmax(), depth.shape)
            if depth[row, column] >= needed:
                axes.text(
                    regions.x[column], regions.y[row], name, ha="center", va="center",
                    fontsize=size, weight="bold", color=_INK, path_effects=_halo(), zorder=6,
                )  # fmt: skip
    axes.set_xlim(extent[:2])
    axes.set_ylim(extent[2:])


def _halo():
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.5, foreground="white")]


def _patch(name, colour):
    from matplotlib.patches import Patch

    return Patch(facecolor=colour, label=shortened(name, 24))


def _usage_text(shares, i):
    usage = shares.usage[i]
    if not shares.n_rows[i]:
        return "unused" if usage < 5e-4 else f"{usage:.1%}, leads no row"
    return f"{usage:.{0 if usage >= 0.0995 else 1}%} ({shares.n_rows[i]:,})"


def _letter_size(axes, n_rows):
    """Points of a letter, so that the names of rows do not touch."""
    height = 72 * axes.get_window_extent().height / axes.figure.dpi
    return float(np.clip(0.8 * height / n_rows, 4, 9))


def _inches(axes):
    return axes.get_window_extent().width / axes.figure.dpi


def _finish_rows(axes, n_rows, label):
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axes.set_ylim(n_rows - 0.4, -0.6)
    limits = axes.get_xlim()
    ticks = MaxNLocator(int(np.clip(_inches(axes) / 0.6, 1, 4))).tick_values(*limits)
    axes.set_xticks([tick for tick in ticks if limits[0] <= tick <= min(limits[1], 1 + 1e-9)])
    axes.set_xlabel(label)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)


def _draw_title(axes, title, explanation):
    axes.set_title(f"{title}\n", loc="left", fontsize=10, weight="bold", color=_INK)
    if 0.43 * 7.5 / 72 * len(explanation) > _inches(axes):
        return  # it would run into the next panel
    axes.annotate(
        explanation, (0, 1), xycoords="axes fraction", xytext=(0, 5), textcoords="offset points",
        fontsize=7.5, color=_FAINT, va="bottom", in_layout=False,
    )  # fmt: skip


def _draw_legend(axes, handles):
    from matplotlib.transforms import ScaledTranslation

    columns = int(np.clip(_inches(axes) / 1.2, 1, 4))
    # Below the name of the axis, however tall the axes is.
    below = ScaledTranslation(0, -34 / 72, axes.figure.dpi_scale_trans)
    axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=columns, fontsize=7.5,
        bbox_transform=axes.transAxes + below, frameon=False, columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip
