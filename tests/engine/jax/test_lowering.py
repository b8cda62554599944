"""What trains under JAX can be compiled for a GPU, in either precision: nothing lacks a rule."""

import pytest

from skconstrain import GatedEnsembleClassifier, PositiveRegressor, SparseConnectedNet, _engine
from tests.backends import jax_only
from tests.monotone import CST
from tests.registry import WIRING, positive_regression, two_classes

pytestmark = jax_only

FAST = {"epochs": 2, "tol": None, "batch_size": 16, "early_stopping": True, "random_state": 0}
NETWORKS = {
    "layered": PositiveRegressor((4,), n_networks=1, n_frequencies=0, dropout=0.1),
    "several with embeddings": PositiveRegressor((4,), n_networks=3, n_frequencies=2),
    "monotone": PositiveRegressor((4,), n_networks=3, monotonic_cst=CST),
    "wired": SparseConnectedNet([WIRING], kernel="sparse"),
    "hard gate": GatedEnsembleClassifier(hidden_layer_sizes=(4,), gating="hard"),
    "top-k gate": GatedEnsembleClassifier(hidden_layer_sizes=(4,), gating="top_k"),
}


@pytest.fixture
def lowered(monkeypatch):
    """Return, by the method of the program, what it is for CUDA, which needs no GPU."""
    import jax

    from skconstrain._engine._jax._program import JaxProgram

    jit, found = jax.jit, {}

    def lowering(function, **options):
        compiled = jit(function, **options)
        if not isinstance(getattr(function, "__self__", None), JaxProgram):
            return compiled

        def call(*args):
            found[function.__name__] = jax.export.export(compiled, platforms=["cuda"])(*args)
            # Ones in the place of results: nothing is compiled for the processor.
            shapes = jax.eval_shape(compiled, *args)
            return jax.tree.map(lambda a: jax.numpy.ones(a.shape, a.dtype), shapes)

        return call

    monkeypatch.setattr(jax, "jit", lowering)
    _engine.clear_compile_cache()
    yield found
    _engine.clear_compile_cache()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_programs_lower_for_cuda(name, dtype, lowered):
    X, y = two_classes() if "gate" in name else positive_regression()
    NETWORKS[name].set_params(**FAST, dtype=dtype).fit(X, y)
    assert "_epochs" in lowered
    for exported in lowered.values():
        assert exported.platforms == ("cuda",)
        assert f"x5xf{dtype.removeprefix('float')}>" in exported.mlir_module()  # rows of features
