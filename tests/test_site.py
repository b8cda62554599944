"""The site has every public name, and an example's page has what the example prints and draws."""

import inspect
import re
from pathlib import Path

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc

from tests.test_docstrings import public_objects

ROOT = Path(__file__).parents[1]
PUBLIC = dict(public_objects())


def test_every_public_name_is_in_the_reference():
    listed = re.findall(r"^   ([\w.]+)$", (ROOT / "docs/api.rst").read_text(), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert {f"skconstrain.{name}" for name in listed} == {
        *PUBLIC,
        "skconstrain.onnx.register_converters",
    }


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_its_page_has_parameters_attributes_and_an_example(name):
    item = PUBLIC[name]
    doc = ClassDoc(item) if inspect.isclass(item) else FunctionDoc(item)
    assert doc["Examples"]
    assert doc["Parameters"] or not inspect.signature(item).parameters
    keeps_something = hasattr(item, "fit") or hasattr(item, "plot")
    assert doc["Attributes"] or not keeps_something


def test_every_example_has_its_picture_and_printed_text():
    examples = {path.stem for path in (ROOT / "examples").glob("*.py")}
    for kind in ("png", "txt"):
        assert {path.stem for path in (ROOT / "docs/outputs").glob(f"*.{kind}")} == examples
