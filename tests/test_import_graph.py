"""A file imports only from lower rooms."""

import ast
from pathlib import Path

import skconstrain

ROOT = Path(skconstrain.__file__).parent

# From the top of the house to its cellar; a room may import from those after it.
ROOMS = [
    {"__init__"},
    {
        "_gated_ensemble_classifier",
        "_multi_label_net_classifier",
        "_positive_regressor",
        "_sparse_connected_net",
        "_sparse_connected_net_classifier",
        "_tuned_threshold",
    },
    {"model_selection"},
    {"_connected_net"},
    {"_base_classifier", "_base_regressor"},
    {"_experts"},
    {"_groups"},
    {"_meetings"},
    {"_base"},
    {"_keras_wrapper"},
    {"_networks"},
    {"_engine", "layers", "losses"},
    {"inspection"},
    {"connections"},
    {"_sparse_product"},
    {"_jax_sparse_product"},
    {"_label_folds", "_label_scores", "_label_scoring"},
    {"_lazy_rows"},
    {
        "_batch_weight",
        "_calibration",
        "_connections",
        "_links",
        "_loss_numbers",
        "_partition",
        "_svc_decisions",
        "_thresholds",
    },
    {"_sklearn_compat"},
]
TENSORFLOW_ROOMS = {"_engine", "_sparse_product"}
JAX_FILES = {"_jax_program.py", "_jax_sparse_product.py", "_jax_stacked_program.py"}
KERAS_ROOMS = {"_engine", "layers", "losses", "_networks", "_keras_wrapper", "_sparse_product"}


def room_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def floor_of(room):
    return next(i for i, rooms in enumerate(ROOMS) if room in rooms)


def imports(path):
    """Names of all modules that `path` imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            if node.module == "skconstrain":
                yield from (f"skconstrain.{alias.name}" for alias in node.names)
            else:
                yield node.module


def files():
    return sorted(ROOT.rglob("*.py"))


def test_every_file_has_a_room():
    assert {room_of(path) for path in files()} <= set().union(*ROOMS)


def test_estimators_do_not_import_each_other():
    for path in files():
        others = ROOMS[1] - {room_of(path)}
        if room_of(path) in ROOMS[1]:
            assert not {name.split(".")[-1] for name in imports(path)} & others, path


def test_imports_go_down():
    for path in files():
        room = room_of(path)
        for name in imports(path):
            head, _, rest = name.partition(".")
            if head != "skconstrain" or not rest:
                continue
            other = rest.split(".")[0]
            lower = floor_of(other) > floor_of(room)
            assert lower or other == room, f"{path.name} ({room}) imports {other}, which is above"


def test_outside_packages_are_known_where_they_belong():
    for path in files():
        room, heads = room_of(path), {name.partition(".")[0] for name in imports(path)}
        assert "tensorflow" not in heads or room in TENSORFLOW_ROOMS, path
        assert "jax" not in heads or path.name in JAX_FILES, path
        assert "keras" not in heads or room in KERAS_ROOMS, path
        assert "scikeras" not in heads or room == "_keras_wrapper", path
        assert not (room == "_engine" and heads & {"sklearn", "scikeras"}), path


def test_private_names_of_scikit_learn_are_in_one_file():
    for path in files():
        if room_of(path) == "_sklearn_compat":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("sklearn"):
                parts = [*node.module.split("."), *(alias.name for alias in node.names)]
                assert not any(part.startswith("_") for part in parts), f"{path}: {parts}"


def test_a_program_knows_one_backend():
    for path in files():
        heads = {name.partition(".")[0] for name in imports(path)}
        assert not {"tensorflow", "jax"} <= heads, path
