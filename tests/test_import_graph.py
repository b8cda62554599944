"""A file imports only from lower layers of the package."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import skconstrain

ROOT = Path(skconstrain.__file__).parent

# Layers from the top to the bottom: a module or package may import from those after it.
LAYERS = [
    {"__init__"},
    {"inspection", "onnx"},
    {
        "_composition_regressor",
        "_connected",
        "_gated",
        "_multi_label_net_classifier",
        "_positive_regressor",
        "_quantiles",
        "_thresholds",
    },
    {"_base"},
    {"_keras_wrapper"},
    {"_networks"},
    {"_engine"},
    {"losses"},
    {"layers"},
    {"connections"},
    {"_lazy_rows"},
    {"_table_encoder"},
    {"_columns"},
    {"_formulas"},
    {"_parallel", "_targets"},
    {"_compile_cache", "_fit_tasks", "_progress"},
    {"_sklearn_compat", "_warn", "_wrapped"},
    {"_keras_backend"},
]
ESTIMATORS = LAYERS[2]
BACKENDS = {
    "tensorflow": {"_engine/_tensorflow", "layers/_sparse_product.py"},
    "jax": {"_engine/_jax", "layers/_jax_sparse_product.py"},
}
KERAS_UNITS = {"_engine", "layers", "losses", "_networks", "_keras_wrapper"}


def unit_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def level_of(unit):
    return next(i for i, units in enumerate(LAYERS) if unit in units)


def nodes(path):
    """All nodes of the code, but for imports that annotations alone need."""
    pending = [ast.parse(path.read_text(encoding="utf-8"))]
    for node in pending:
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            pending += ast.iter_child_nodes(node)


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


def test_every_file_has_a_layer():
    assert {unit_of(path) for path in files()} <= set().union(*LAYERS)


def test_estimators_do_not_import_each_other():
    for path in files():
        others = ESTIMATORS - {unit_of(path)}
        if unit_of(path) in ESTIMATORS:
            assert not {name.split(".")[-1] for name in imports(path)} & others, path


def test_imports_go_down():
    for path in files():
        unit = unit_of(path)
        for name in imports(path):
            head, _, rest = name.partition(".")
            if head != "skconstrain" or not rest:
                continue
            other = rest.split(".")[0]
            lower = level_of(other) > level_of(unit)
            assert lower or other == unit, f"{path.name} ({unit}) imports {other}, which is above"


def module_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_below(path, modules):
    """Modules among `modules` that `path` imports when it runs."""
    for node in nodes(path):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            # What is imported from a package is one of its modules, or stands in its __init__.
            names = [name if name in modules else node.module for name in inside]
        yield from (name for name in names if name in modules)


def test_files_do_not_import_each_other_in_a_circle():
    paths = {module_of(path): path for path in files() if path.parent != ROOT}
    below = {name: set(modules_below(path, paths)) for name, path in paths.items()}
    TopologicalSorter(below).prepare()  # raises an error that shows the circle


def test_outside_packages_are_known_where_they_belong():
    for path in files():
        unit, heads = unit_of(path), {name.partition(".")[0] for name in imports(path)}
        for backend, places in BACKENDS.items():
            place = path.relative_to(ROOT).as_posix()
            assert backend not in heads or any(place.startswith(p) for p in places), path
        assert "keras" not in heads or unit in KERAS_UNITS, path
        assert "scikeras" not in heads or unit == "_keras_wrapper", path
        assert not (unit == "_engine" and heads & {"sklearn", "scikeras"}), path


def test_private_names_of_scikit_learn_are_in_one_file():
    for path in files():
        if unit_of(path) == "_sklearn_compat":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("sklearn"):
                parts = [*node.module.split("."), *(alias.name for alias in node.names)]
                assert not any(part.startswith("_") for part in parts), f"{path}: {parts}"


def test_a_program_knows_one_backend():
    for path in files():
        heads = {name.partition(".")[0] for name in imports(path)}
        assert not {"tensorflow", "jax"} <= heads, path


def test_the_map_for_contributors_lists_all_packages_in_their_order():
    table = (ROOT.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = table.partition("| from top to bottom |")[2].partition("\n\n")[0]
    cells = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    units = [name for cell in cells for name in re.findall(r"`(\w+)(?:/|\.py)?`", cell)]
    assert sorted(units) == sorted(set().union(*LAYERS))
    assert units == sorted(units, key=level_of)  # stable: none stands below a lower one
