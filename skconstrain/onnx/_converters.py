"""What skl2onnx asks of an estimator: its outputs, and the nodes that compute them."""

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx._parse import _parse_sklearn
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from skl2onnx.operator_converters.common import concatenate_variables

import skconstrain
from skconstrain._base._classifier import NetClassifier
from skconstrain._base._estimator import NetEstimator
from skconstrain._formulas._numpy_ops import largest, softmax
from skconstrain._networks import GatedNetwork
from skconstrain.onnx._graph import Graph
from skconstrain.onnx._traced_array import TracedArray

_FLOATS = {"float32": FloatTensorType, "float64": DoubleTensorType}


def register_converters():
    """Let skl2onnx convert the estimators of this package, alone and in Pipelines.

    Afterwards ``skl2onnx.to_onnx(pipeline, X[:1])`` takes them. The graph computes what `predict`
    does, in the precision of the network:

    - regressors: ``variable``, shape (n_samples, n_outputs);
    - :class:`~skconstrain.QuantileNetRegressor`: ``variable``, medians of shape (n_samples, 1), and
      ``quantiles`` of shape (n_samples, n_quantiles), a column for each level of `fit`;
    - classifiers: ``label``, what `predict` returns, and ``probabilities``, what `predict_proba`
      does. There is no list of dicts: ``zipmap`` is no option here.

    Raises
    ------
    ModuleNotFoundError
        If skl2onnx is not installed: ``pip install "skconstrain[onnx]"``.

    See Also
    --------
    skconstrain : Estimators themselves predict without Keras, too.

    Notes
    -----
    The graph is written by the same code that predicts in NumPy. Ranges and the order of quantiles
    hold in it, too. With `monotonic_cst`, no prediction moves against the sign of a feature, not in
    its last bit and not from one batch to another: such graphs compute in float64, and their
    exponentials and logarithms consist of operations that every processor rounds alike.

    What cannot be written is refused when the estimator is converted: activations that are
    functions, sparse kernels that take more than four million numbers as dense ones, gates over
    given experts, columns of text, and thresholds over classifiers whose probabilities are no
    matrix.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skl2onnx import to_onnx
    >>> from skconstrain import PositiveRegressor
    >>> from skconstrain.onnx import register_converters
    >>> register_converters()
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = PositiveRegressor((8,), epochs=2, tol=None, random_state=0)
    >>> model = to_onnx(make_pipeline(StandardScaler(), net).fit(X, y), X[:1])
    >>> [output.name for output in model.graph.output]
    ['variable']
    """
    for name in skconstrain.__all__:
        estimator = getattr(skconstrain, name)
        if isinstance(estimator, type) and issubclass(estimator, NetEstimator):
            _register(estimator, _convert, _parse)
    tuned = skconstrain.TunedThresholdMultiLabelClassifierCV
    _register(tuned, _convert_tuned, _parse_tuned, _type_of_tuned)


def _register(estimator, convert, parse, type_outputs=lambda operator: None):
    # The parser sets types of outputs, unless they depend on another operator.
    alias = f"Skconstrain{estimator.__name__}"
    update_registered_converter(estimator, alias, type_outputs, convert, parser=parse)


def _parse(scope, model, inputs, custom_parsers=None):
    """Declare the outputs of a network estimator."""
    _check_inputs(model, inputs)
    floats = _FLOATS[model._fitted.network.dtype]
    if isinstance(model, NetClassifier):
        n_columns = len(model.classes_)
        outputs = [_label_variable(scope, model.classes_, model._target_kind == "multilabel")]
        outputs.append(scope.declare_local_variable("probabilities", floats([None, n_columns])))
    else:
        outputs = [
            scope.declare_local_variable(name, floats([None, n_columns]))
            for name, n_columns in _columns_of_numbers(model).items()
        ]
    return _declare(scope, model, inputs, outputs)


def _check_inputs(model, inputs):
    """Raise where a graph would be given text or truth values in the place of codes."""
    kinds = {type(variable.type).__name__.removesuffix("TensorType") for variable in inputs}
    wrong = kinds - {"Float", "Double", "Int64", "Int32"}
    if wrong:
        raise NotImplementedError(
            f"ONNX: the inputs of {type(model).__name__} must be numbers. Got {sorted(wrong)[0]}. "
            "Give an array that has the code of each category, which is its place in categories_."
        )


def _columns_of_numbers(regressor):
    """Return the names of a regressor's outputs, the prediction first, and their columns."""
    if isinstance(regressor, skconstrain.QuantileNetRegressor):
        return {"variable": 1, "quantiles": regressor.n_outputs_}
    return {"variable": regressor.n_outputs_}


def _declare(scope, model, inputs, outputs):
    operator = scope.declare_local_operator(f"Skconstrain{type(model).__name__}", model)
    operator.inputs = list(inputs)
    operator.outputs.extend(outputs)
    return operator.outputs


def _label_variable(scope, classes, is_matrix):
    if is_matrix:
        label = Int64TensorType([None, len(classes)])
    else:
        is_text = np.asarray(classes).dtype.kind in "OUS"
        label = StringTensorType([None]) if is_text else Int64TensorType([None])
    return scope.declare_local_variable("label", label)


def _parse_tuned(scope, model, inputs, custom_parsers=None):
    """Declare the classifier, and behind it the thresholds on its probabilities."""
    if model._method != "predict_proba":
        raise NotImplementedError(
            "ONNX: thresholds are converted for probabilities only. "
            f"Got response_method={model._method!r}. Use 'predict_proba'."
        )
    scope.add_options(id(model.estimator_), {"zipmap": False})
    scores = _parse_sklearn(scope, model.estimator_, inputs, custom_parsers)[1]
    outputs = [_label_variable(scope, model.classes_, model._n_labels is not None)]
    outputs.append(scope.declare_local_variable("probabilities", scores.type))
    return _declare(scope, model, [scores], outputs)


def _type_of_tuned(operator):
    """Give the probabilities the type of those that the thresholds are on."""
    model, scores = operator.raw_operator, operator.inputs[0].type
    n_columns = model._n_labels or len(model.classes_)
    is_matrix = isinstance(scores, FloatTensorType | DoubleTensorType)
    if not (is_matrix and scores.shape[1:] == [n_columns]):
        raise NotImplementedError(
            f"ONNX: thresholds need a classifier whose probabilities have {n_columns} columns. "
            f"Got {model.estimator_!r}. Use one of skconstrain."
        )
    operator.outputs[1].type = type(scores)([None, n_columns])


def _convert(scope, operator, container):
    """Write the graph of a network estimator."""
    model = operator.raw_operator
    _check_convertible(model)
    network = model._fitted.network
    graph = Graph(scope, container, is_exact=network.monotonic_cst is not None)
    name = concatenate_variables(scope, operator.inputs, container)
    dtype = network.dtype
    X = TracedArray(graph, graph.cast(name, dtype), dtype, (None, model.n_features_in_))
    X = network.without_gaps(X, model._fitted.weights)
    outputs = model._fitted.outputs(X).astype(dtype)  # networks with signs compute in float64
    if isinstance(model, NetClassifier):
        _write_classes(graph, operator, model, outputs)
        return
    prediction = model._oof_prediction(outputs)
    prediction = prediction[:, None] if prediction.ndim == 1 else prediction
    _give(graph, operator.outputs[0], prediction)
    if len(operator.outputs) > 1:
        _give(graph, operator.outputs[1], outputs)  # quantiles of the levels of fit


def _check_convertible(model):
    """Raise where predictions are not those of a network that NumPy knows."""
    network = model._fitted.network
    if isinstance(network, GatedNetwork) and network.scores is not None:
        raise NotImplementedError(
            "ONNX: a gate must be over networks that train with it, because given experts may be "
            f"any classifiers. Got estimators={model.estimators!r}. Use n_experts=, or serve the "
            "estimator itself: it predicts without Keras."
        )
    if not network.runs_in_numpy:
        raise NotImplementedError(
            "ONNX: activation must be a name, because a function cannot be translated. "
            f"Got {model.activation!r}."
        )


def _write_classes(graph, operator, model, logits):
    """Write probabilities, and the label that follows from them."""
    if model._target_kind == "multiclass":
        probability = softmax(logits)
        _give(graph, operator.outputs[1], probability)
        _give_class(graph, operator.outputs[0], model.classes_, _first_largest(probability))
        return
    probability, threshold = model._probability_of(logits), model._checked_threshold()
    if model._target_kind == "binary":
        _give(graph, operator.outputs[1], np.hstack([1 - probability, probability]))
        position = (probability[:, 0] >= threshold).astype(np.int64)
        _give_class(graph, operator.outputs[0], model.classes_, position)
        return
    _give(graph, operator.outputs[1], probability)
    least = model.min_labels
    _give(graph, operator.outputs[0], _decided(probability, threshold, least))


def _decided(score, threshold, min_labels):
    """Return what :func:`skconstrain._formulas._decisions.decide` does, as integers."""
    chosen = score >= threshold
    if min_labels:
        # A row with enough labels has these already.
        chosen = chosen | largest(score - threshold, min_labels)
    return chosen.astype(np.int64)


def _first_largest(scores):
    """Return the position of the largest score of each row."""
    name = scores.graph.add("ArgMax", scores.name, axis=1, keepdims=0)
    return TracedArray(scores.graph, name, np.int64, scores.shape[:1])


def _convert_tuned(scope, operator, container):
    """Write the thresholds on the scores of a classifier."""
    graph, model = Graph(scope, container), operator.raw_operator
    (scores,) = operator.inputs
    dtype = np.float64 if isinstance(scores.type, DoubleTensorType) else np.float32
    scores = TracedArray(graph, scores.full_name, dtype, scores.type.shape)
    _give(graph, operator.outputs[1], scores)
    label = operator.outputs[0]
    if model.thresholds_ is None:
        _give_class(graph, label, model.classes_, _first_largest(scores))
    elif model._n_labels is None:
        position = (scores[:, 1] >= model.thresholds_[0]).astype(np.int64)
        _give_class(graph, label, model.classes_, position)
    else:
        _give(graph, label, _decided(scores, model.thresholds_, model._min_labels()))


def _give_class(graph, variable, classes, position):
    """Let a label be the class at a position."""
    classes = np.asarray(classes)
    constant = graph.constant(classes if classes.dtype.kind in "OUS" else classes.astype(np.int64))
    graph.add("Gather", constant, position.name, output=variable.full_name, axis=0)


def _give(graph, variable, array):
    """Let an output be an array."""
    graph.add("Identity", array.name, output=variable.full_name)
