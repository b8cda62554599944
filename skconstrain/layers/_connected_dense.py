"""ConnectedDense: a dense layer that has the connections it is given, and no others."""

import base64
import zlib
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy import sparse

from skconstrain.connections._matrix import ConnectionMatrix, check_flags, glorot_bounds
from skconstrain.layers._batched_dense import OBJECTS_OF_KERNEL_AND_BIAS
from skconstrain.layers._layer import Layer
from skconstrain.layers._sparse_product import sparse_product

# A layer trains its connections only from this many possible ones on, and up to this density:
# measured, see tests/benchmarks/connections.py.
SPARSE_MIN_SIZE = 50_000
SPARSE_MAX_DENSITY = 0.05

# These have the same effect on a matrix with zeros as on the connections alone.
_ELEMENTWISE_REGULARIZERS = (
    keras.regularizers.L1,
    keras.regularizers.L2,
    keras.regularizers.L1L2,
)


def choose_kernel(matrix: ConnectionMatrix, kernel_constraint=None) -> str:
    """Return the faster of the kernels ``"dense"`` and ``"sparse"`` for the connections."""
    size = matrix.shape[0] * matrix.shape[1]
    pays = size >= SPARSE_MIN_SIZE and matrix.density <= SPARSE_MAX_DENSITY
    return "sparse" if pays and is_elementwise(kernel_constraint) else "dense"


def is_elementwise(kernel_constraint) -> bool:
    """Whether a constraint of Keras has the same effect on the connections alone."""
    constraint = keras.constraints.get(kernel_constraint)
    return constraint is None or isinstance(constraint, keras.constraints.NonNeg)


@keras.saving.register_keras_serializable(package="skconstrain")
class ConnectedDense(Layer):
    """A dense layer with exactly the connections that a matrix of zeros and ones allows.

    With A the matrix, the layer returns ``activation(inputs @ (kernel * A) + bias)``. A connection
    that is absent is exactly zero: it passes nothing, has no gradient, is in no penalty, and is
    zero in every report and after saving.

    Parameters
    ----------
    connections : matrix of shape (n_inputs, n_units)
        A: entry (i, j) is 1 where input i feeds unit j, else 0. An array, a sparse matrix, a
        DataFrame or a :class:`~skconstrain.connections.ConnectionMatrix`.
    activation : str or callable, default=None
        Activation, as in ``keras.layers.Dense``.
    use_bias : bool, default=True
        Whether units have biases.
    bias_connections : array-like of shape (n_units,), default=None
        1 for each unit that has a bias, else 0. None gives a bias to all of them.
    kernel : {"auto", "dense", "sparse"}, default="auto"
        How it is computed; the results are the same to rounding. ``"dense"`` multiplies a whole
        kernel by A. ``"sparse"`` stores and trains the connections only: memory and time grow
        with their number. ``"auto"`` takes the faster one.
    kernel_initializer : keras.initializers.Initializer or str, default=None
        Called with the shape (n_connections,). None is Glorot's uniform distribution for the
        connections there are: between ``-b`` and ``b`` with ``b**2 = 6 / (fan_in + fan_out)``,
        the degrees of unit and input of the connection.
    bias_initializer : keras.initializers.Initializer or str, default="zeros"
        Initializer of the biases.
    kernel_regularizer, bias_regularizer : keras.regularizers.Regularizer, default=None
        Penalties. With ``kernel="sparse"``, ``L1``, ``L2`` or ``L1L2``.
    kernel_constraint, bias_constraint : keras.constraints.Constraint, default=None
        Projections after every step. With ``kernel="sparse"``, ``NonNeg``.
    **kwargs
        `name`, `dtype` and `trainable` as in Keras.

    Raises
    ------
    ValueError
        If `connections` is no matrix of 0 and 1, or parameters do not fit it or each other.

    Notes
    -----
    Input has shape (batch, n_inputs), output (batch, n_units). ``layer.weights`` holds the
    trained numbers, of shape (n_connections,) for a sparse kernel; `connection_weights` is what
    one wants to read. Give it different sizes of input and output while trying things out, so that
    a transposed matrix shows.

    Examples
    --------
    >>> import numpy as np
    >>> from skconstrain.layers import ConnectedDense
    >>> A = np.array([[1, 0], [1, 1], [0, 1]])
    >>> layer = ConnectedDense(A, kernel_initializer="ones")
    >>> np.asarray(layer(np.array([[1.0, 10.0, 100.0]])))
    array([[ 11., 110.]], dtype=float32)
    >>> layer.connection_weights().toarray()
    array([[1., 0.],
           [1., 1.],
           [0., 1.]], dtype=float32)
    """

    _settings = ("use_bias",)
    _objects = OBJECTS_OF_KERNEL_AND_BIAS

    def __init__(
        self,
        connections,
        activation=None,
        use_bias=True,
        bias_connections=None,
        kernel="auto",
        kernel_initializer=None,
        bias_initializer: Any | str = "zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.connections = _restored(connections).without_names()
        self.units = self.connections.shape[1]
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.bias_connections = None
        if bias_connections is not None:
            self.bias_connections = check_flags(
                bias_connections, self.units, name="bias_connections"
            )
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.kernel_type = self._checked_type(kernel)
        # XLA does not compile TensorFlow's sparse product.
        self.supports_jit = self.kernel_type == "dense"
        self.input_spec = keras.layers.InputSpec(ndim=2, axes={-1: self.connections.shape[0]})

    def _checked_type(self, kernel):
        if kernel not in ("auto", "dense", "sparse"):
            raise ValueError(f"kernel must be 'auto', 'dense' or 'sparse'. Got {kernel!r}.")
        regularizer = self.kernel_regularizer
        plain = regularizer is None or isinstance(regularizer, _ELEMENTWISE_REGULARIZERS)
        if kernel == "auto":
            return choose_kernel(self.connections, self.kernel_constraint) if plain else "dense"
        if kernel == "sparse" and not (plain and is_elementwise(self.kernel_constraint)):
            raise ValueError(
                "kernel='sparse' needs a kernel_regularizer among L1, L2 and L1L2 and the "
                "kernel_constraint NonNeg, because others look at whole rows or columns. Got "
                f"{regularizer!r} and {self.kernel_constraint!r}. Use kernel='dense'."
            )
        return kernel

    def build(self, input_shape):
        matrix = self.connections
        is_sparse = self.kernel_type == "sparse"
        self._kernel = self.add_weight(
            name="kernel",
            shape=(matrix.nnz,) if is_sparse else matrix.shape,
            initializer=self._initial_kernel,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if is_sparse:
            self._product = sparse_product(matrix)
        else:
            mask = _constant(self.connections.toarray(), self.variable_dtype)
            self._mask = lambda: mask  # hidden from Keras, which would count it as a weight
        if self.use_bias:
            self._bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self._initial_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs):
        if self.kernel_type == "sparse":
            outputs = self._product(inputs, ops.cast(self.kernel, inputs.dtype))
        else:
            outputs = ops.matmul(inputs, ops.cast(self.kernel, inputs.dtype))
        if self.use_bias:
            outputs = outputs + ops.cast(self.bias, outputs.dtype)
        return self.activation(outputs)

    @property
    def kernel(self):
        """Weights: (n_inputs, n_units) with zeros, or (n_connections,) of a sparse kernel."""
        if self.kernel_type == "sparse":
            return self._kernel.value
        return self._kernel * self._mask()

    @property
    def bias(self):
        """Biases of shape (n_units,), zero where there is none; None without `use_bias`."""
        if not self.use_bias or self.bias_connections is None:
            return self._bias.value if self.use_bias else None
        return self._bias * ops.convert_to_tensor(self._flags(), self._bias.dtype)

    def connection_weights(self):
        """Return the weights, with one stored entry for every connection.

        Returns
        -------
        csr_array of shape (n_inputs, n_units)
            Weights; an absent connection is not stored.
        """
        return self.connections.tocsr(self.values_of(ops.convert_to_numpy(self._kernel)))

    def values_of(self, kernel):
        """Return the values of the connections.

        Parameters
        ----------
        kernel : ndarray of the shape of the trained kernel
            The kernel itself, or another array with an entry for each of its weights.

        Returns
        -------
        ndarray of shape (n_connections,)
            Its entries at the connections, in their order.
        """
        if self.kernel_type == "sparse":
            return kernel
        return kernel[self.connections.rows, self.connections.columns]

    def kernel_of(self, values):
        """Return a kernel with the given values at the connections.

        Parameters
        ----------
        values : ndarray of shape (n_connections,)
            Values of the connections, in their order.

        Returns
        -------
        ndarray of the shape of the trained kernel
            `values` at the connections, 0 elsewhere.
        """
        if self.kernel_type == "sparse":
            return values
        kernel = np.zeros(self.connections.shape, np.asarray(values).dtype)
        kernel[self.connections.rows, self.connections.columns] = values
        return kernel

    def _initial_kernel(self, shape, dtype=None):
        n_connections = self.connections.nnz
        if self.kernel_initializer is None:
            bounds = glorot_bounds(self.connections)
            draw = keras.random.uniform((n_connections,), -1.0, 1.0, dtype="float32")
            values = ops.convert_to_numpy(draw) * bounds
        else:
            _check_initializer(self.kernel_initializer)
            values = ops.convert_to_numpy(self.kernel_initializer((n_connections,), dtype))
        return ops.convert_to_tensor(self.kernel_of(values), dtype)

    def _initial_bias(self, shape, dtype=None):
        bias = self.bias_initializer(shape, dtype)
        return bias if self.bias_connections is None else bias * self._flags()

    def _flags(self):
        return self.bias_connections.astype(self.variable_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        flags = self.bias_connections
        return {
            **super().get_config(),
            "connections": _stored(self.connections),
            "activation": keras.activations.serialize(self.activation),
            "bias_connections": None if flags is None else flags.astype(int).tolist(),
            "kernel": self.kernel_type,
        }


def _check_initializer(initializer):
    if isinstance(initializer, keras.initializers.VarianceScaling):
        raise ValueError(
            "kernel_initializer must not depend on the shape of the kernel, because the "
            f"connections have none. Got {type(initializer).__name__}. Leave it None: that is "
            "Glorot's uniform distribution for the connections there are."
        )


def _constant(array, dtype):
    """Return a variable that is no weight: one copy, however often the layer is traced."""
    # Named, because Keras would count up a global number for a name of its own.
    return keras.Variable(array, dtype=dtype, trainable=False, name="connections")


def _stored(matrix):
    """Return the connections as JSON can hold them: differences compress well."""
    places = matrix.rows.astype(np.int64) * matrix.shape[1] + matrix.columns
    packed = zlib.compress(np.diff(places, prepend=0).astype("<i8").tobytes())
    return {"shape": list(matrix.shape), "places": base64.b64encode(packed).decode("ascii")}


def _restored(connections):
    if isinstance(connections, ConnectionMatrix):
        return connections
    if not (isinstance(connections, dict) and set(connections) == {"shape", "places"}):
        return ConnectionMatrix(connections)
    packed = zlib.decompress(base64.b64decode(connections["places"]))
    places, shape = np.cumsum(np.frombuffer(packed, "<i8")), connections["shape"]
    rows, columns = np.divmod(places, shape[1])
    return ConnectionMatrix(sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=shape))
