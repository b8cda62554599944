"""What networks with given connections share: their structure, and how it is read afterwards."""

from dataclasses import replace
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skconstrain._base._sizes import layer_sizes
from skconstrain._sklearn_compat import HasMethods, StrOptions
from skconstrain._warn import warn
from skconstrain.connections._chain import chain, fit_below, idle, is_list
from skconstrain.connections._matrix import check_flags


class ConnectedNetMixin(BaseEstimator):
    """Give a `NetEstimator` connected layers below its dense ones.

    The layers of the network are the given matrices, then `hidden_layer_sizes`, then the outputs.
    """

    _connection_constraints: dict = {
        "connections": ["array-like", "sparse matrix", HasMethods(["tocsr"]), None],
        "activation": [str, callable, list, tuple],
        "use_bias": ["boolean"],
        "bias_connections": ["array-like", None],
        "output_connections": ["array-like", "sparse matrix", HasMethods(["tocsr"]), None],
        "kernel": [StrOptions({"auto", "dense", "sparse"})],
    }

    _takes_categories = False

    @property
    def coefs_(self):
        """Weights of every layer, from the inputs to the outputs."""
        return [kernel for kernel, _ in self._layer_weights()]

    @property
    def intercepts_(self):
        """Biases of every layer, from the inputs to the outputs."""
        return [bias for _, bias in self._layer_weights()]

    @property
    def connection_weights_(self):
        """Weights of the given connections, in the given order."""
        coefs = self.coefs_
        last = [len(coefs) - 1] if self._output_wiring is not None else []
        numbers = [*range(len(self._wiring)), *last]
        below = [self._names_of_inputs(), *self.unit_names_]
        return [self._as_given(coefs[i], i, below[i]) for i in numbers]

    @property
    def unit_names_(self):
        """Names of the units of every layer, None where they have none; the outputs come last."""
        check_is_fitted(self)
        names = [layer.given.unit_names for layer in self._wiring]
        n_dense = len(self._fitted.network.hidden_layer_sizes)
        last = None if self._output_wiring is None else self._output_wiring.given.unit_names
        return [*names, *[None] * n_dense, last or self._output_names()]

    def activations(self, X, layer=-1):
        """Return the outputs of a hidden layer, for example activities of pathways.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data.
        layer : int, default=-1
            Number of the hidden layer: the given matrices count from 0, then the layers of
            `hidden_layer_sizes`; negative numbers count from the last one.

        Returns
        -------
        activations : ndarray or DataFrame of shape (n_samples, n_units)
            Outputs of the units, after `activation`. A DataFrame with the units' names as columns
            where they have names and pandas is installed; its index is that of `X`.
        """
        check_is_fitted(self)
        n_hidden = len(self.unit_names_) - 1
        if not (isinstance(layer, Integral) and -n_hidden <= layer < n_hidden):
            raise ValueError(
                f"layer must be the number of one of {n_hidden} hidden layers, from {-n_hidden} to "
                f"{n_hidden - 1}. Got {layer!r}."
                if n_hidden
                else "activations needs a hidden layer. Got a network without any: give "
                "connections or hidden_layer_sizes."
            )
        number, index = layer % n_hidden, getattr(X, "index", None)
        units = self._fitted.layer(self._validated_input(X), f"saturate_{number}")
        return _framed(units, index, self.unit_names_[number])

    def to_networkx(self):
        """Return the network as a directed graph; needs networkx.

        Returns
        -------
        networkx.DiGraph
            A node ``(layer, name)`` for every input (layer 0) and unit, with the attributes
            `layer`, `name` and, for units, `bias`; names count from 0 where there are none. An
            edge for every connection, with its `weight`; dense layers have all of them.
        """
        try:
            import networkx
        except ImportError as error:
            raise ImportError(
                "to_networkx needs networkx. Install it: pip install networkx."
            ) from error
        graph = networkx.DiGraph()
        n_below = self.n_features_in_
        below = _nodes(0, self._names_of_inputs(), n_below)
        graph.add_nodes_from((node, {"layer": 0, "name": node[1]}) for node in below)
        layers = zip(self.coefs_, self.intercepts_, self.unit_names_, strict=True)
        for number, (kernel, bias, names) in enumerate(layers, start=1):
            units = _nodes(number, names, len(bias))
            for node, value in zip(units, bias, strict=True):
                graph.add_node(node, layer=number, name=node[1], bias=float(value))
            rows, columns, values = _edges(kernel)
            graph.add_weighted_edges_from(
                (below[i], units[j], float(value))
                for i, j, value in zip(rows, columns, values, strict=True)
            )
            below = units
        return graph

    def _names_of_inputs(self):
        names = getattr(self, "feature_names_in_", None)
        return None if names is None else tuple(names)

    def _as_given(self, kernel, number, names_below):
        """Weights of one given matrix, in its own order of rows and with its names."""
        is_output = number >= len(self._wiring)
        layer = self._output_wiring if is_output else self._wiring[number]
        weights, given = kernel[layer.positions], layer.given
        if given.input_names is None and given.unit_names is None:
            return weights
        index = names_below if given.input_names is None else given.input_names
        return _sparse_frame(weights, index, given.unit_names)

    def _layer_weights(self):
        """Kernel and bias of every layer; the last one in the units of the predictions."""
        check_is_fitted(self)
        found = self._fitted.kernels_and_biases()
        kernel, bias = found[-1]
        scale, shift = (np.asarray(unit, bias.dtype) for unit in self._output_unit())
        scaled = (
            kernel * scale if isinstance(kernel, np.ndarray) else _scaled_columns(kernel, scale)
        )
        return [*found[:-1], (scaled, bias * scale + shift)]

    def _specify(self, rows, continues):
        """Specify the given connections; `fit` keeps them as they were given."""
        plain = super()._specify(rows, continues)
        wiring, output = self._resolve()
        if not continues:
            self._wiring, self._output_wiring = wiring, output
            self._warn_of_idle(wiring, output)
        matrices = [layer.matrix for layer in wiring]
        last = None if output is None else output.matrix
        n_dense = len(layer_sizes(self.hidden_layer_sizes))
        flags = self._bias_flags(matrices, last)
        return replace(
            plain,
            connections=tuple(matrices),
            output_connections=last,
            kernels=tuple(
                self._kernel_of(matrix) for matrix in [*matrices, *[None] * n_dense, last]
            ),
            bias_connections=(*flags[: len(matrices)], *[None] * n_dense, flags[-1]),
            use_bias=bool(self.use_bias),
            activation=self._activations(len(matrices) + n_dense),
        )

    def _resolve(self):
        """Bring the given matrices into the order of the layers below them."""
        wiring = []
        names = self._names_of_inputs()
        if self.connections is not None:
            wiring = chain(self.connections, self.n_features_in_, names)
        if self.output_connections is None:
            return wiring, None
        return wiring, self._resolve_output(wiring, names)

    def _resolve_output(self, wiring, names):
        sizes, n_inputs = layer_sizes(self.hidden_layer_sizes), self.n_features_in_
        below = "X has {} features"
        if wiring:
            n_inputs, names = wiring[-1].matrix.shape[1], wiring[-1].given.unit_names
        if sizes:
            n_inputs, names = sizes[-1], None
        if wiring or sizes:
            below = "the last hidden layer has {} units"
        label = "output_connections"
        layer = fit_below(self.output_connections, n_inputs, names, name=label, below=below)
        if layer.matrix.shape[1] != self.n_outputs_:
            raise ValueError(
                f"output_connections must have shape ({n_inputs}, {self.n_outputs_}): the network "
                f"has {self.n_outputs_} outputs for this y. Got {layer.given.shape}."
            )
        return layer

    def _warn_of_idle(self, wiring, output):
        names = self._names_of_inputs()
        layers = list(wiring)
        # Above dense layers, the units below have no names and are no layer of `wiring`.
        if output is not None and not layer_sizes(self.hidden_layer_sizes):
            layers.append(output)
        for sentence in idle(layers, names):
            warn(sentence)

    def _kernel_of(self, matrix):
        if matrix is None:
            return "dense"
        if self.kernel != "auto":
            return self.kernel
        from skconstrain.layers._connected_dense import choose_kernel

        return choose_kernel(matrix, self.kernel_constraint)

    def _bias_flags(self, matrices, last):
        """Return flags of the biases of each given matrix, and of the output."""
        flags = self.bias_connections
        expected = [*matrices, *([] if last is None else [last])]
        if flags is None:
            return [None] * (len(matrices) + 1)
        if not self.use_bias:
            raise ValueError("bias_connections needs use_bias=True. Got use_bias=False.")
        is_vector = all(flag is not None and np.ndim(flag) == 0 for flag in flags)
        if is_vector and not is_list(self.connections):
            flags = [flags]
        if not len(matrices) <= len(flags) <= len(expected) or not expected:
            raise ValueError(
                f"bias_connections must hold a vector (or None) for each of {len(matrices)} "
                "connections, and may hold one more for output_connections. "
                f"Got {len(flags)} of them."
            )
        checked = [
            None
            if vector is None
            else tuple(check_flags(vector, matrix.shape[1], name=f"bias_connections[{i}]").tolist())
            for i, (vector, matrix) in enumerate(zip(flags, expected, strict=False))
        ]
        return checked if len(checked) > len(matrices) else [*checked, None]

    def _activations(self, n_hidden):
        if not isinstance(self.activation, list | tuple):
            return self.activation
        if len(self.activation) != n_hidden:
            raise ValueError(
                f"activation must be one activation, or one for each of {n_hidden} hidden layers. "
                f"Got {len(self.activation)}."
            )
        return tuple(self.activation)

    def _output_unit(self):
        """Scale and shift between the last layer and the predictions."""
        return np.ones(self.n_outputs_), np.zeros(self.n_outputs_)

    def _output_names(self):
        """Names of the outputs, or None."""
        return None


def _scaled_columns(kernel, scale):
    scaled = kernel.copy()
    scaled.data = kernel.data * scale[kernel.indices].astype(kernel.dtype)
    return scaled


def _edges(kernel):
    """Rows, columns and values of all connections of a kernel."""
    if isinstance(kernel, np.ndarray):
        rows, columns = np.indices(kernel.shape).reshape(2, -1)
        return rows, columns, kernel.ravel()
    kernel = kernel.tocoo()
    return kernel.row, kernel.col, kernel.data


def _nodes(layer, names, n_units):
    return [(layer, name) for name in (range(n_units) if names is None else names)]


def _import_pandas():
    try:
        import pandas
    except ImportError:
        return None
    return pandas


def _framed(values, index, names):
    pandas = _import_pandas()
    if names is None or pandas is None:
        return values
    return pandas.DataFrame(values, index=index, columns=list(names))


def _sparse_frame(weights, index, columns):
    pandas = _import_pandas()
    if pandas is None:
        return weights
    index = None if index is None else list(index)
    columns = None if columns is None else list(columns)
    return pandas.DataFrame.sparse.from_spmatrix(weights, index=index, columns=columns)
