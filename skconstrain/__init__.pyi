from . import connections, inspection, layers, losses, model_selection
from ._connected import SparseConnectedNet, SparseConnectedNetClassifier
from ._engine import clear_compile_cache, compile_cache_info
from ._gated import GatedEnsembleClassifier
from ._multi_label_net_classifier import MultiLabelNetClassifier
from ._positive_regressor import PositiveRegressor
from ._thresholds import TunedThresholdMultiLabelClassifierCV

__version__: str
__all__ = [
    "GatedEnsembleClassifier",
    "MultiLabelNetClassifier",
    "PositiveRegressor",
    "SparseConnectedNet",
    "SparseConnectedNetClassifier",
    "TunedThresholdMultiLabelClassifierCV",
    "clear_compile_cache",
    "compile_cache_info",
    "connections",
    "inspection",
    "layers",
    "losses",
    "model_selection",
]
