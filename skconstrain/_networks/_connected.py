"""Layers with given connections."""

from dataclasses import dataclass

import numpy as np

from skconstrain._networks._dense import Dense
from skconstrain._networks._weight import glorot_of_connections
from skconstrain.connections._matrix import ConnectionMatrix


@dataclass(frozen=True, kw_only=True)
class Connected(Dense):
    """A layer with the connections of a matrix, and no others.

    `kernel` is "dense" or "sparse"; `bias_connections` are flags of the units, or None.
    """

    connections: ConnectionMatrix
    kernel: str
    bias_connections: tuple | None

    @property
    def kernel_shape(self):
        return (self.connections.nnz,) if self.kernel == "sparse" else super().kernel_shape

    @property
    def supports_xla(self):
        return self.kernel == "dense"

    def _draw(self, rng, shape, dtype):
        settings = {"activation": self.activation, "constraint": self.constraint}
        return glorot_of_connections(rng, shape, dtype, connections=self.connections, **settings)

    def layer(self, dtype, kernels):
        from skconstrain import layers

        return layers.ConnectedDense(
            self.connections,
            bias_connections=self.bias_connections,
            kernel=self.kernel,
            kernel_initializer="zeros",  # the weights to start from are loaded
            **self._settings(dtype),
        )

    def computed(self, named):
        kernel, bias = named[f"{self.name}/kernel"], named.get(f"{self.name}/bias")
        if self.kernel == "sparse":
            kernel = self._as_csr(kernel)
        else:
            kernel = np.where(self.connections.toarray() > 0, kernel, 0)
        found = {f"{self.name}/kernel": kernel}
        return found if bias is None else {**found, f"{self.name}/bias": self._flagged(bias)}

    def _of_inputs(self, numbers):
        is_sparse = self.kernel == "sparse"
        return numbers[self.connections.rows] if is_sparse else super()._of_inputs(numbers)

    def _sums(self, kernel, inputs):
        return self._as_csr(kernel).T @ inputs

    def kernel_and_bias(self, named):
        """Return the kernel as a csr_array, with a stored entry for each connection; and biases."""
        kernel, bias = super().kernel_and_bias(named)
        return self._as_csr(kernel), self._flagged(bias)

    def _as_csr(self, kernel):
        matrix = self.connections
        is_sparse = self.kernel == "sparse"
        return matrix.tocsr(kernel if is_sparse else kernel[matrix.rows, matrix.columns])

    def _flagged(self, bias):
        flags = self.bias_connections
        return bias if flags is None else bias * np.asarray(flags, bias.dtype)
