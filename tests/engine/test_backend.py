"""The contract of backends: what one implements, which file is whose, when XLA compiles."""

import ast
import math
from dataclasses import replace
from pathlib import Path

import pytest

from skconstrain._engine import _backend
from skconstrain._engine._backend import Backend, XlaLimits
from skconstrain._engine._lending import BACKEND
from skconstrain._engine._program import PredictionProgram, Program

CONTRACTS = {
    Program: {"to_device", "run", "evaluate"},
    PredictionProgram: {"to_device", "forward"},
}
# What a backend may implement besides.
OPTIONAL = {Program: {"_run_epochs"}}
FOLDERS = [*_backend._FOLDERS.values(), "_keras"]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_a_backend_implements_little(contract):
    assert contract.__abstractmethods__ == CONTRACTS[contract]


def defined_methods(folder):
    """Return the public methods of the classes of a folder, by the contract that they extend."""
    for path in (Path(_backend.__file__).parent / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            bases = {base.id for base in getattr(node, "bases", ()) if isinstance(base, ast.Name)}
            for contract in CONTRACTS:
                if contract.__name__ in bases:
                    names = {f.name for f in node.body if isinstance(f, ast.FunctionDef)}
                    yield contract, names


@pytest.mark.parametrize("folder", FOLDERS)
def test_concrete_methods_are_not_overridden(folder):
    found = list(defined_methods(folder))
    assert {Program, PredictionProgram} <= {contract for contract, _ in found}
    for contract, names in found:
        inherited = {name for name in names if hasattr(contract, name)}
        own = inherited - {"__init__"} - OPTIONAL.get(contract, set())
        assert own == CONTRACTS[contract]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_has_one_backend_object(folder):
    source = (Path(_backend.__file__).parent / folder / "__init__.py").read_text(encoding="utf-8")
    targets = [node.targets[0] for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    assert [target.id for target in targets] == ["BACKEND"]
    assert isinstance(BACKEND, Backend)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (None, [False, False, False, False]),  # Keras decides
        (XlaLimits(), [True, True, True, True]),  # there is no other compiler
        (XlaLimits(1000, 100, 10), [True, False, False, False]),
    ],
)
def test_the_compiler_is_chosen_within_limits(limits, expected):
    backend = replace(BACKEND, xla=limits)
    work = [(1000, 10, 100), (1001, 10, 100), (1000, 9, 100), (1000, 10, 101)]
    assert [backend.choose_jit(*sizes) for sizes in work] == expected
    assert backend.choose_jit(math.inf, 10, 1) is (limits == XlaLimits())


def test_the_compiler_has_a_limit_of_its_own_for_several_networks():
    backend = replace(BACKEND, xla=XlaLimits(1000, 100, 10, max_flops_of_several=5000))
    work = [(5000, 10, 1000), (5001, 10, 100), (5000, 9, 100)]
    assert [backend.choose_jit(*sizes, n_networks=5) for sizes in work] == [True, False, False]
