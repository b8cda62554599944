"""Products with a matrix of which only the connections are stored and trained.

Small or dense layers multiply a whole kernel by its 0/1 matrix instead, which XLA and oneDNN do
fast: see `choose_kernel` in _connected_dense.py. Padded lists of the inputs of each unit, and
products with a tf.SparseTensor (nine times slower), were measured and dropped.
"""

import keras
import numpy as np
from keras import ops

from skconstrain.connections._matrix import ConnectionMatrix


def sparse_product(matrix: ConnectionMatrix):
    """Return ``product(x, values)``: x times the matrix that holds `values` at its connections.

    `x` has shape (batch, n_inputs), `values` (n_connections,), the result (batch, n_units). Its
    gradient is that of the dense product, restricted to the connections.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _TensorFlowProduct(matrix)
    if backend == "jax":
        from skconstrain.layers._jax_sparse_product import JaxProduct

        return JaxProduct(matrix)
    return _GenericProduct(matrix)


class _GenericProduct:
    """Gathers and segment sums, on every backend; needs memory for batch x n_connections."""

    def __init__(self, matrix):
        self._matrix = matrix

    def __call__(self, x, values):
        terms = ops.take(ops.transpose(x), self._matrix.rows, axis=0) * values[:, None]
        sums = ops.segment_sum(terms, self._matrix.columns, num_segments=self._matrix.shape[1])
        return ops.transpose(sums)


class _TensorFlowProduct:
    """TensorFlow's CSR product, and a gradient that is never larger than the connections.

    TensorFlow's own gradient of the CSR product with respect to its values is a dense matrix.

    Everything is computed on transposes, where the values that belong to one unit lie together.
    Each output is summed by one thread, so that the result does not depend on their number: the
    product with a transposed CSR matrix would save a copy of the values and lose that.
    """

    def __init__(self, matrix):
        import tensorflow as tf

        self._tf = tf
        self._shape = matrix.shape
        order = np.lexsort((matrix.rows, matrix.columns))
        by_input = np.stack([matrix.rows, matrix.columns], axis=1).astype(np.int64)
        with tf.init_scope():  # Held once, not written into every graph.
            self._rows, self._columns = tf.constant(matrix.rows), tf.constant(matrix.columns)
            self._by_input = tf.constant(by_input)
            self._by_unit = tf.constant(by_input[order][:, ::-1])
            self._order = tf.constant(order.astype(np.int32))
        # XLA multiplies and sums while it gathers: nothing of size batch x n_connections is stored.
        self._sums = tf.function(self._sums_of_products, jit_compile=True, autograph=False)
        self._product = tf.custom_gradient(self._forward)

    def __call__(self, x, values):
        return self._product(x, values)

    def _forward(self, x, values):
        tf = self._tf
        x_by_input = tf.transpose(x)
        values_by_unit = tf.gather(values, self._order)
        n_inputs, n_units = self._shape
        y = self._multiply(self._by_unit, values_by_unit, (n_units, n_inputs), x_by_input)

        def gradient(upstream):
            by_unit = tf.transpose(upstream)
            of_x = self._multiply(self._by_input, values, (n_inputs, n_units), by_unit)
            of_values = self._sums(x_by_input, by_unit, self._rows, self._columns)
            return tf.transpose(of_x), tf.reshape(of_values, tf.shape(values))

        return tf.transpose(y), gradient

    def _multiply(self, indices, values, shape, dense):
        raw = self._tf.raw_ops
        matrix = raw.SparseTensorToCSRSparseMatrix(
            indices=indices, values=values, dense_shape=np.asarray(shape, np.int64)
        )
        return raw.SparseMatrixMatMul(a=matrix, b=dense)

    def _sums_of_products(self, x_by_input, by_unit, rows, columns):
        tf = self._tf
        return tf.reduce_sum(tf.gather(x_by_input, rows) * tf.gather(by_unit, columns), axis=1)
