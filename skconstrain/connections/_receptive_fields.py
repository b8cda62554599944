"""Receptive fields: every unit sees a window of an image."""

from numbers import Integral

import numpy as np
from scipy import sparse

from skconstrain.connections._inputs import read_count, read_inputs
from skconstrain.connections._matrix import ConnectionMatrix


class ImageConnectionMatrix(ConnectionMatrix):
    """A ConnectionMatrix whose units lie on a grid, made by `receptive_fields`.

    Parameters
    ----------
    matrix : {array-like, sparse matrix, DataFrame, ConnectionMatrix} of shape (n_inputs, n_units)
        As in :class:`ConnectionMatrix`.
    input_names, unit_names : sequence of str, default=None
        Names; they replace those of `matrix`.
    grid_shape : tuple of int
        (rows, columns, maps) of the units, whose product is their number. Unit
        ``(r * columns + c) * maps + m`` lies at row r and column c of map m.

    Attributes
    ----------
    grid_shape : tuple of int
        As above: what ``activations.reshape(-1, *grid_shape)`` needs.

    Examples
    --------
    >>> from skconstrain.connections import receptive_fields
    >>> receptive_fields((8, 8), 3, n_maps=4).grid_shape
    (6, 6, 4)
    """

    def __init__(self, matrix, input_names=None, unit_names=None, *, grid_shape):
        super().__init__(matrix, input_names, unit_names)
        self.grid_shape = tuple(grid_shape)


def receptive_fields(
    image_shape, field_size, *, stride: int | tuple = 1, padding="valid", n_maps=1, inputs=None
):
    r"""Connect every unit to a window of an image: a convolution without shared weights.

    The unit at row r of the output sees the rows

    .. math:: r s - p, \; \ldots, \; r s - p + f - 1

    of the image that exist, with f the `field_size`, s the `stride` and p the rows of padding
    before the first one; columns alike. It sees all channels.

    Parameters
    ----------
    image_shape : tuple of int or ImageConnectionMatrix
        (rows, columns) or (rows, columns, channels) of an image whose pixels are the features, in
        the order of ``images.reshape(len(images), -1)``; or the layer below, whose maps are the
        channels.
    field_size : int or tuple of int
        Rows and columns of a window.
    stride : int or tuple of int, default=1
        Step from a window to the next.
    padding : {"valid", "same"}, default="valid"
        As in Keras: windows inside the image only, which may leave pixels at the right and bottom
        without a window; or ``ceil(rows / stride)`` windows, cut off at the borders.
    n_maps : int, default=1
        Units for each window.
    inputs : sequence of str or ConnectionMatrix, default=None
        Names of the pixels, or the layer whose units they are, where `image_shape` is a tuple.

    Returns
    -------
    ImageConnectionMatrix of shape (n_inputs, n_units)
        A unit is called by its row and column, and its map if there are several: "field(0,2)",
        "field(0,2)map1". `grid_shape` is (rows, columns, n_maps) of the units; they are ordered so
        that another call takes the result as its `image_shape`.

    Raises
    ------
    ValueError
        If a window does not fit into the image, or inputs are not its pixels.

    Examples
    --------
    >>> from skconstrain.connections import receptive_fields
    >>> first = receptive_fields((8, 8), 3, n_maps=4)
    >>> first
    ConnectionMatrix(64 inputs x 144 units, 1296 connections)
    >>> second = receptive_fields(first, 2, stride=2)
    >>> second.grid_shape, second.unit_names[:2]
    ((3, 3, 1), ('field(0,0)', 'field(0,1)'))
    """
    image_shape, names = _read_image(image_shape, inputs)
    sizes = _pair(field_size, name="field_size")
    strides = _pair(stride, name="stride")
    n_maps = read_count(n_maps, name="n_maps")
    if padding not in ("valid", "same"):
        raise ValueError(f"padding must be 'valid' or 'same'. Got {padding!r}.")
    n_rows, n_columns, n_channels = image_shape
    grid, windows = [], []
    for axis, what in enumerate(("rows", "columns")):
        count, before = _windows(image_shape[axis], sizes[axis], strides[axis], padding, what)
        starts = np.arange(count) * strides[axis] - before
        grid.append(count)
        windows.append(_seen(starts, sizes[axis], image_shape[axis]))
    (unit_r, pixel_r), (unit_c, pixel_c) = windows
    # Axes: row pairs, column pairs, channels, maps.
    unit_r, pixel_r = unit_r[:, None, None, None], pixel_r[:, None, None, None]
    unit_c, pixel_c = unit_c[:, None, None], pixel_c[:, None, None]
    channel, unit_map = np.arange(n_channels)[:, None], np.arange(n_maps)
    pixels = (pixel_r * n_columns + pixel_c) * n_channels + channel
    units = (unit_r * grid[1] + unit_c) * n_maps + unit_map
    rows, columns = (part.ravel() for part in np.broadcast_arrays(pixels, units))
    grid_shape = (*grid, n_maps)
    shape = (n_rows * n_columns * n_channels, int(np.prod(grid_shape)))
    ones = np.ones(len(rows), dtype=np.int8)
    matrix = sparse.coo_array((ones, (rows, columns)), shape=shape)
    return ImageConnectionMatrix(matrix, names, _unit_names(grid_shape), grid_shape=grid_shape)


def _read_image(image_shape, inputs):
    """Return (rows, columns, channels) and the names of the pixels."""
    if isinstance(image_shape, ImageConnectionMatrix):
        inputs = image_shape if inputs is None else inputs
        image_shape = image_shape.grid_shape
    if not isinstance(image_shape, tuple | list) or len(image_shape) not in (2, 3):
        raise ValueError(
            "image_shape must be (rows, columns), (rows, columns, channels) or the result of "
            f"another call. Got {image_shape!r}."
        )
    shape = tuple(read_count(length, name="image_shape") for length in image_shape)
    n_pixels = int(np.prod(shape))
    n_inputs, names = (n_pixels, None) if inputs is None else read_inputs(inputs)
    if n_inputs != n_pixels:
        raise ValueError(
            f"inputs must be the {n_pixels} pixels of an image of shape {shape}. Got {n_inputs}."
        )
    return (*shape, 1)[:3], names


def _pair(value, *, name):
    values = (value, value) if isinstance(value, Integral) else value
    if not isinstance(values, tuple | list) or len(values) != 2:
        raise ValueError(f"{name} must be an integer or two, rows and columns. Got {value!r}.")
    return tuple(read_count(item, name=name) for item in values)


def _windows(length, size, stride, padding, what):
    """Return the number of windows along an axis, and the padding before the first."""
    if padding == "same":
        count = -(-length // stride)
        return count, max((count - 1) * stride + size - length, 0) // 2
    if size > length:
        raise ValueError(
            f"field_size must be at most the {length} {what} of the image. Got {size}. Take "
            "smaller windows, or padding='same'."
        )
    return (length - size) // stride + 1, 0


def _seen(starts, size, length):
    """Return pairs of window and position along an axis, without positions outside."""
    positions = starts[:, None] + np.arange(size)
    windows, within = np.nonzero((positions >= 0) & (positions < length))
    return windows, positions[windows, within]


def _unit_names(grid_shape):
    rows, columns, n_maps = grid_shape
    places = [f"field({r},{c})" for r in range(rows) for c in range(columns)]
    if n_maps == 1:
        return places
    return [f"{place}map{m}" for place in places for m in range(n_maps)]
