"""Every public docstring is one that numpydoc can read, and those of shared parameters agree."""

import importlib
import inspect
import itertools

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc
from numpydoc.validate import validate

import skconstrain
from skconstrain import inspection, layers
from skconstrain._formulas._links import LINKS
from skconstrain.losses._regression import REGRESSION_LOSSES
from tests.registry import ROWS

MODULES = ["connections", "inspection", "layers", "losses"]

# Asked of no docstring: an extended summary, See Also, and Returns that give a type without a name
# (scikit-learn names what it returns).
NOT_ASKED = {"ES01", "SA01", "RT02"}
# Keras' protocol: it calls these, and the docstring of the class says what they do.
KERAS_METHODS = {"build", "call", "compute_output_shape", "get_config"}

NETWORKS = list(dict.fromkeys(row.estimator for row in ROWS if "epochs" in row.fast))
WHERE_TEXTS_DIFFER = {
    "hidden_layer_sizes": "what no hidden layer means; connected layers and experts have their own",
    "activation": "the type: connected networks take a list",
    "lower": "quantiles may have no lower end",
    "upper": "the link of quantiles follows from the range",
    "loss": "each estimator has its own names",
    "dropout": "the gate's is that of its experts",
    "kernel_constraint": "the gate's is that of its experts",
    "early_stopping": "the rows from which on some are set aside, and what for",
    "n_networks": "the gate's is that of mixtures; hard ones are one",
    "n_frequencies": "shares and gates have no monotonic_cst; given experts are not embedded",
    "weight_features": "the default: classes and labels gained nothing on average",
    "threshold": "the gate takes no labels",
    "class_weight": "the gate takes no labels, and weighs two losses",
    "classes_": "the gate takes no labels",
    "n_outputs_": "the gate takes no labels",
    "validation_scores_": "classifiers are judged by `scoring`",
    "loss_curve_": "the gate has several penalties",
    "model_": "some return probabilities, others predictions; the gate asks experts",
    "coefs_": "the last ones give logits or predictions",
    "intercepts_": "the last ones give logits or predictions",
}


def public_objects():
    """Names of all public classes and functions, by the module that shows them."""
    for module in ["skconstrain", *(f"skconstrain.{name}" for name in MODULES)]:
        shown = importlib.import_module(module)
        for name in shown.__all__:
            if not inspect.ismodule(getattr(shown, name)):
                yield f"{module}.{name}", getattr(shown, name)


def members():
    """Names of the public objects, and of the methods and properties that classes define here."""
    for name, item in public_objects():
        yield name
        for member in dir(item) if inspect.isclass(item) else []:
            owner = next(kind for kind in item.__mro__ if member in vars(kind))
            here = owner.__module__.startswith("skconstrain") and not member.startswith("_")
            # scikit-learn writes methods like set_fit_request, and their docstrings.
            generated = member.startswith("set_") and member.endswith("_request")
            # Plain values are parameters that a class does not have.
            is_described = hasattr(vars(owner)[member], "__get__")
            if here and is_described and not generated and member not in KERAS_METHODS:
                yield f"{name}.{member}"


def test_numpydoc_finds_nothing_wrong():
    shown = {"skconstrain", *(f"skconstrain.{module}" for module in MODULES)}
    found = {}
    for name in set(members()):
        is_member = name.rpartition(".")[0] not in shown
        not_asked = NOT_ASKED | ({"EX01"} if is_member else set())
        errors = [error for error in validate(name)["errors"] if error[0] not in not_asked]
        found |= {name: errors} if errors else {}
    assert found == {}


def described(doc, section):
    """Type and text of every entry of a section, in their order."""
    return {
        name: (entry.type, " ".join(line.strip() for line in entry.desc))
        for entry in doc[section]
        for name in entry.name.split(", ")
    }


def assert_texts_agree(first, second, exceptions=()):
    """Types are the same, and one of two texts is the other one, or continues it."""
    for name in (first.keys() & second.keys()) - set(exceptions):
        (type_, text), (other_type, other_text) = first[name], second[name]
        assert type_ == other_type, name
        shorter, longer = sorted([text, other_text], key=len)
        assert longer == shorter or longer.startswith(f"{shorter} "), (
            f"{name}:\n{text}\n{other_text}"
        )


def assert_orders_agree(first, second):
    shared = [name for name in first if name in second]
    assert shared == [name for name in second if name in first]


@pytest.mark.parametrize("section", ["Parameters", "Attributes"])
def test_estimators_say_the_same_about_what_they_share(section):
    docs = [described(ClassDoc(kind), section) for kind in NETWORKS]
    for pair in itertools.combinations(docs, 2):
        assert_texts_agree(*pair, exceptions=WHERE_TEXTS_DIFFER)


def test_shared_parameters_have_one_order():
    docs = [described(ClassDoc(kind), "Parameters") for kind in NETWORKS]
    signatures = [inspect.signature(kind).parameters for kind in NETWORKS]
    for names in (docs, signatures):
        for pair in itertools.combinations(names, 2):
            assert_orders_agree(*pair)


def test_all_networks_are_compared():
    assert len(NETWORKS) == 7


def test_exceptions_are_needed():
    docs = [
        described(ClassDoc(kind), section)
        for kind in NETWORKS
        for section in ("Parameters", "Attributes")
    ]
    for name in WHERE_TEXTS_DIFFER:
        texts = {doc[name] for doc in docs if name in doc}
        shortest = min(texts, key=lambda text: len(text[1]))
        assert any(
            kind != shortest[0] or not text.startswith(shortest[1]) for kind, text in texts
        ), f"{name} agrees: take it off the list"


@pytest.mark.parametrize("display", [getattr(inspection, name) for name in inspection.__all__])
def test_displays_say_the_same_about_what_is_drawn_at_once_and_later(display):
    docs = [
        described(FunctionDoc(function), "Parameters")
        for function in (display.from_estimator, display.plot)
    ]
    # `kind` also decides what GateDisplay computes, when it is made from an estimator.
    assert_texts_agree(*docs, exceptions={"kind"} if display is inspection.GateDisplay else ())


@pytest.mark.parametrize("kind", [skconstrain.PositiveRegressor, layers.BoundedOutput])
def test_every_link_is_described(kind):
    for link in LINKS:
        assert f'"{link}"' in kind.__doc__


def test_every_loss_is_described():
    text = described(ClassDoc(skconstrain.PositiveRegressor), "Parameters")["loss"][1]
    for name in REGRESSION_LOSSES:
        assert f'``"{name}"``' in text
    text = described(ClassDoc(skconstrain.SparseConnectedNet), "Parameters")["loss"][1]
    for name, make in REGRESSION_LOSSES.items():
        assert (f'``"{name}"``' in text) != make(1.5, 0.5).needs_positive_predictions


@pytest.mark.parametrize("module", MODULES)
def test_public_modules_say_what_is_public(module):
    shown = importlib.import_module(f"skconstrain.{module}")
    assert shown.__all__ == sorted(shown.__all__)
    for name in shown.__all__:
        assert getattr(shown, name).__module__.startswith("skconstrain"), name
