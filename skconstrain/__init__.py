"""scikit-learn estimators for neural networks that must obey something.

Names are loaded on first use, so that importing the package costs no TensorFlow.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["connections", "inspection", "layers", "losses", "model_selection"],
    submod_attrs={
        "_connected": ["SparseConnectedNet", "SparseConnectedNetClassifier"],
        "_engine": ["clear_compile_cache", "compile_cache_info"],
        "_gated": ["GatedEnsembleClassifier"],
        "_multi_label_net_classifier": ["MultiLabelNetClassifier"],
        "_positive_regressor": ["PositiveRegressor"],
        "_thresholds": ["TunedThresholdMultiLabelClassifierCV"],
    },
)
