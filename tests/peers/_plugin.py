"""Pytest plugin: test modules of scikit-learn import our classes under the names of theirs."""

from contextlib import ExitStack
from unittest.mock import patch

import pytest

from tests.peers import _adapters

# Test module -> where it imports from, and the names that are replaced.
REPLACED = {
    "sklearn.neural_network.tests.test_mlp": (
        "sklearn.neural_network",
        ["MLPClassifier", "MLPRegressor"],
    ),
    "sklearn.model_selection.tests.test_classification_threshold": (
        "sklearn.model_selection",
        ["TunedThresholdClassifierCV"],
    ),
    "sklearn.ensemble.tests.test_stacking": ("sklearn.ensemble", ["StackingClassifier"]),
    "sklearn.tests.test_multioutput": (
        "sklearn.multioutput",
        ["MultiOutputClassifier", "ClassifierChain"],
    ),
}


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Replace names while the module is imported, so that its parametrizations have them too.

    Afterwards scikit-learn has its own classes again: other code may import them late.
    """
    replaced = {module.rpartition(".")[2]: names for module, names in REPLACED.items()}
    if not isinstance(collector, pytest.Module):
        return (yield)
    package, names = replaced[collector.path.stem]
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(patch(f"{package}.{name}", getattr(_adapters, name)))
        return (yield)
