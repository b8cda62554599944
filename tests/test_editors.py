"""Editors complete names and arguments, and type checkers take what the docstrings allow.

`.ci/run` runs pyright and mypy on the examples.
"""

import inspect

import pytest
from numpy.typing import ArrayLike

from tests.annotations import annotation, needed
from tests.test_docstrings import MODULES, public_objects

PUBLIC = dict(public_objects())
CLASSES = {name: item for name, item in PUBLIC.items() if inspect.isclass(item)}


@pytest.fixture(scope="module")
def completed():
    jedi = pytest.importorskip("jedi")

    def complete(code):
        return {found.name for found in jedi.Script(code).complete()}

    return complete


@pytest.mark.parametrize("module", ["", *MODULES])
def test_public_names_are_completed(completed, module):
    shown = "skconstrain" + (f".{module}" if module else "")
    expected = {name.rpartition(".")[2] for name in PUBLIC if name.rpartition(".")[0] == shown}
    assert expected <= completed(f"import skconstrain\n{shown}.")


def test_the_beginning_of_a_name_is_completed(completed):
    assert completed("import skconstrain\nskconstrain.Posi") == {"PositiveRegressor"}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_constructor_arguments_are_completed(completed, name):
    taken = inspect.signature(CLASSES[name]).parameters.values()
    expected = {f"{taken.name}=" for taken in taken if taken.kind is taken.KEYWORD_ONLY}
    assert expected <= completed(f"import skconstrain\n{name}(")


def test_fitted_attributes_are_completed(completed):
    fitted = "import skconstrain\nskconstrain.PositiveRegressor().fit([[1]], [1])."
    assert {"predict", "loss_curve_", "model_"} <= completed(fitted)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_defaults_of_one_of_several_types_are_annotated_with_all(name):
    for function, parameter, wanted in needed(PUBLIC[name]):
        given = inspect.signature(function, eval_str=True).parameters[parameter].annotation
        assert given == wanted, f"{name}, {parameter}: {wanted}"


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_help_shows_names_of_types_and_not_what_they_stand_for(name):
    assert "numpy._typing" not in str(inspect.signature(CLASSES[name]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a", "b"}, default="a"', str),
        ('int or "auto", default="auto"', int | str),
        ("float, array-like of shape (n_labels,) or dict, default=0.5", float | ArrayLike | dict),
        ('float, "auto" or None, default="auto"', float | str | None),
    ],
)
def test_docstrings_are_read_as_meant(text, expected):
    assert annotation(text) == expected
