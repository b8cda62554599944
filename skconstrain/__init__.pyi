# "as" exports a name in a stub; jedi asks for it where type checkers take __all__.
from . import connections as connections
from . import inspection as inspection
from . import layers as layers
from . import losses as losses
from ._compile_cache import use_compile_cache as use_compile_cache
from ._composition_regressor import CompositionRegressor as CompositionRegressor
from ._connected import SparseConnectedNet as SparseConnectedNet
from ._connected import SparseConnectedNetClassifier as SparseConnectedNetClassifier
from ._engine import clear_compile_cache as clear_compile_cache
from ._engine import compile_cache_info as compile_cache_info
from ._gated import GatedEnsembleClassifier as GatedEnsembleClassifier
from ._multi_label_net_classifier import MultiLabelNetClassifier as MultiLabelNetClassifier
from ._positive_regressor import PositiveRegressor as PositiveRegressor
from ._quantiles import QuantileNetRegressor as QuantileNetRegressor
from ._thresholds import (
    TunedThresholdMultiLabelClassifierCV as TunedThresholdMultiLabelClassifierCV,
)

__version__: str
__all__ = [
    "CompositionRegressor",
    "GatedEnsembleClassifier",
    "MultiLabelNetClassifier",
    "PositiveRegressor",
    "QuantileNetRegressor",
    "SparseConnectedNet",
    "SparseConnectedNetClassifier",
    "TunedThresholdMultiLabelClassifierCV",
    "clear_compile_cache",
    "compile_cache_info",
    "connections",
    "inspection",
    "layers",
    "losses",
    "use_compile_cache",
]
