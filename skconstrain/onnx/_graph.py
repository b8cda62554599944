"""Nodes of ONNX, added to the model that skl2onnx builds."""

import numpy as np
from onnx import helper, numpy_helper


class Graph:
    """Adds operations and constants to a model; results have names.

    Parameters
    ----------
    scope, container : Scope, ModelComponentContainer
        What skl2onnx gives a converter.
    is_exact : bool, default=False
        Whether results must be the same wherever a row stands in a batch, to the last bit.
    """

    def __init__(self, scope, container, is_exact=False):
        self._scope, self._container = scope, container
        self.is_exact = is_exact

    def add(self, operation: str, *inputs: str, output: str | None = None, **attributes) -> str:
        """Add an operation; return the name of its result."""
        if output is None:
            output = self._scope.get_unique_variable_name(operation.lower())
        self._container.add_node(
            operation,
            list(inputs),
            [output],
            op_version=self._container.target_opset,
            name=self._scope.get_unique_operator_name(operation),
            **attributes,
        )
        return output

    def constant(self, array) -> str:
        """Add a constant array; return its name."""
        array, name = np.asarray(array), self._scope.get_unique_variable_name("constant")
        if array.dtype.kind in "OUS":
            texts = [str(text).encode() for text in array.ravel()]
            self._container.add_initializer(name, helper.TensorProto.STRING, array.shape, texts)
        else:
            tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape))
            self._container.add_initializer(name, tensor.data_type, array.shape, tensor)
        return name

    def cast(self, name: str, dtype) -> str:
        """Add a conversion to another type of numbers."""
        return self.add("Cast", name, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def broadcast(*shapes):
    """Return the shape of an operation on arrays of these shapes; None is any number of rows."""
    known = np.broadcast_shapes(*(tuple(1 if n is None else n for n in shape) for shape in shapes))
    found = list(known)
    for shape in shapes:
        for axis, size in enumerate(reversed(shape), start=1):
            if size is None:
                found[-axis] = None
    return tuple(found)


def refused(what):
    """Return the error of an operation that is not known here."""
    return NotImplementedError(
        f"ONNX: predictions of this estimator use {what}, which has no translation. Serve the "
        "estimator itself: it predicts without Keras."
    )
