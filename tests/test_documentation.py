"""scikit-learn's HTML boxes link to our site where its address is known, and to nothing else."""

import os
import subprocess
import sys

SCRIPT = """
import re
import skconstrain
from skconstrain import model_selection
from sklearn.utils import estimator_html_repr

class Mine(skconstrain.PositiveRegressor):
    pass

net = skconstrain.PositiveRegressor()
shown = [model_selection.BatchedGridSearchCV(net, {})]
shown += [model_selection.BatchedRandomizedSearchCV(net, {})]
shown += [skconstrain.TunedThresholdMultiLabelClassifierCV(net), Mine()]
kinds = [getattr(skconstrain, name) for name in skconstrain.__all__]
shown += [kind() for kind in kinds if hasattr(kind, "fit") and "Tuned" not in kind.__name__]
for estimator in shown:
    links = re.findall('href="([^"#]*)', estimator_html_repr(estimator))
    print(type(estimator).__name__, *sorted(set(links)))
"""
PAGES = {
    *("CompositionRegressor", "GatedEnsembleClassifier", "MultiLabelNetClassifier"),
    *("PositiveRegressor", "QuantileNetRegressor", "SparseConnectedNet"),
    *("SparseConnectedNetClassifier", "TunedThresholdMultiLabelClassifierCV"),
    *("model_selection.BatchedGridSearchCV", "model_selection.BatchedRandomizedSearchCV"),
}
HOLD_ANOTHER = [
    "BatchedGridSearchCV",
    "BatchedRandomizedSearchCV",
    "TunedThresholdMultiLabelClassifierCV",
]


def links(**environment):
    """Return the addresses in the box of each estimator, by its name."""
    unset = {name: value for name, value in os.environ.items() if name != "SKCONSTRAIN_DOCS"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        env={**unset, **environment},
    )
    return {line.split()[0]: set(line.split()[1:]) for line in done.stdout.splitlines()}


def test_nothing_is_linked_without_an_address():
    found = links()
    assert len(found) == len(PAGES) + 1
    assert set().union(*found.values()) == set()


def test_every_estimator_is_linked_to_its_page():
    found = links(SKCONSTRAIN_DOCS="http://localhost:8000/")
    assert found.pop("Mine") == set()  # a class of a user has no page here
    pages = {
        page.split(".")[-1]: f"http://localhost:8000/api/skconstrain.{page}.html" for page in PAGES
    }
    for name in HOLD_ANOTHER:
        assert found[name] == {pages[name], pages["PositiveRegressor"]}
        del found[name], pages[name]
    assert found == {name: {page} for name, page in pages.items()}
