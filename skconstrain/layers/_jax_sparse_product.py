"""The product with connections under JAX, and its gradient."""

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp
from jax.experimental import sparse

# The gradient sums so many connections at once: their rows of a batch stay in a processor's cache.
_PIECE = 1024


class JaxProduct:
    """JAX's CSR product, and a gradient that is never larger than the connections.

    As under TensorFlow, everything is computed on transposes, where the values that belong to one
    unit lie together, and every output is summed in one order.
    """

    def __init__(self, matrix):
        order = np.lexsort((matrix.rows, matrix.columns))
        self._rows, self._columns = matrix.rows.astype(np.int32), matrix.columns.astype(np.int32)
        self._order = order.astype(np.int32)
        self._by_input = _Pattern(self._rows, self._columns, matrix.shape)
        self._by_unit = _Pattern(self._columns[order], self._rows[order], matrix.shape[::-1])
        self._product = jax.custom_vjp(self._forward)
        self._product.defvjp(lambda x, values: (self._forward(x, values), (x, values)), self._back)

    def __call__(self, x, values):
        return self._product(jnp.asarray(x), jnp.asarray(values))

    def _forward(self, x, values):
        return self._by_unit.multiply(values[self._order], x.T).T

    def _back(self, inputs, upstream):
        x, values = inputs
        # The barrier stores the transposes, so that reads are contiguous.
        x_by_input, by_unit = lax.optimization_barrier((x.T, upstream.T))
        of_x = self._by_input.multiply(values, by_unit)
        return of_x.T, _sums_of_products(x_by_input, by_unit, self._rows, self._columns)


class _Pattern:
    """Positions of the values of a CSR matrix: `rows` in ascending order, and their columns."""

    def __init__(self, rows, columns, shape):
        ends = np.cumsum(np.bincount(rows, minlength=shape[0]))
        self._starts = np.concatenate([[0], ends]).astype(np.int32)
        self._columns, self._shape = columns, shape

    def multiply(self, values, dense):
        """Return the product of the matrix that holds `values` and a dense one."""
        parts = (values, jnp.asarray(self._columns), jnp.asarray(self._starts))
        return sparse.BCSR(parts, shape=self._shape) @ dense


def _sums_of_products(x, y, x_rows, y_rows):
    """Return the scalar product of row `x_rows[i]` of `x` and row `y_rows[i]` of `y`, for all i."""

    def products(numbers):
        return jnp.sum(x[numbers[0]] * y[numbers[1]], axis=1)

    if jax.default_backend() != "cpu" or len(x_rows) <= _PIECE:
        return products((x_rows, y_rows))
    # XLA's CPU compiler runs one such sum in one thread and six times as long as its pieces.
    pieces = [np.resize(rows, (-(-len(rows) // _PIECE), _PIECE)) for rows in (x_rows, y_rows)]
    return lax.map(products, tuple(map(jnp.asarray, pieces))).ravel()[: len(x_rows)]
