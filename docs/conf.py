"""The site: ``python -m sphinx -W -n -b html docs docs/_build``."""

import inspect
import os
import re
import shutil
from pathlib import Path

from PIL import Image
from sphinx.util.inspect import stringify_signature
from sphinx_gallery.sorting import FileNameSortKey

import skconstrain

DOCS = Path(__file__).parent
OUTPUTS = DOCS / "outputs"

project = "skconstrain"
author = "The skconstrain developers"
release = version = skconstrain.__version__
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "outputs", "auto_examples/*.ipynb", "auto_examples/*.py"]
templates_path = ["_templates"]
default_role = "literal"
# scikit-learn's boxes link to the text of a parameter's type: its quotes must stay straight.
smartquotes = False
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]  # the cards of the start page
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

# References to other projects are resolved on demand, because that needs their sites:
# SKCONSTRAIN_INTERSPHINX=1. They are plain text otherwise, as those to Keras are always: its site
# has no inventory.
if os.environ.get("SKCONSTRAIN_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "sklearn": ("https://scikit-learn.org/stable", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
    }
nitpick_ignore_regex = [("py:.*", r"(sklearn|keras|numpy|scipy|matplotlib|pandas)\..*")]

toc_object_entries_show_parents = "hide"
autosummary_generate = True
autodoc_typehints = "none"  # docstrings say more
autodoc_inherit_docstrings = False
numpydoc_show_class_members = False


class QuickStartFirst(FileNameSortKey):
    """The order of the gallery."""

    def __call__(self, filename):
        """Return what is compared."""
        return filename != "quickstart.py", filename


suppress_warnings = ["config.cache"]  # of the class above, which is not pickled
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "plot_gallery": "False",  # `run_examples.py` runs them, which takes minutes
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "within_subsection_order": QuickStartFirst,
    "thumbnail_size": (560, 392),
}

html_theme = "pydata_sphinx_theme"
html_title = f"skconstrain {version}"
html_logo = html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": html_title},
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
copyright = author
html_sidebars = {"index": [], "changelog": [], "security": []}

# Links of the repository that have a page here.
PAGES = {
    r"\]\(\.\./examples/(\w+)\.py\)": r"](auto_examples/\1.rst)",
    r"\]\(api\.rst#([\w.]+)\)": r"](api/\1.rst)",
    r"\]\(\.\./CHANGELOG\.md\)": "](changelog.md)",
    r"\]\(\.\./SECURITY\.md\)": "](security.md)",
}
OUTPUT = """
.. image:: /outputs/{name}.png
   :alt: what {name}.py draws

It prints:

.. literalinclude:: /outputs/{name}.txt
   :language: none

"""
# What is shown of a picture in the gallery.
THUMBNAILS = {
    "quickstart": (0, 0, 0.51, 1),
    "experts_by_region": (0.33, 0, 0.67, 0.86),
    "monotone_prices": (0, 0, 0.53, 1),
    "quantile_fans": (0, 0.5, 0.63, 1),
    "several_labels": (0.23, 0, 1, 1),
    "shares_of_a_budget": (0, 0, 0.37, 1),
    "text_to_tags": (0, 0.08, 1, 0.9),
}
# Keras calls these; the docstring of the class says what they do.
PROTOCOL = {"build", "call", "compute_output_shape", "get_config", "from_config"}


def give_pictures(app):
    """Put pictures where sphinx-gallery looks for those of scripts that it has run."""
    images = DOCS / "auto_examples" / "images"
    images.mkdir(parents=True, exist_ok=True)
    for picture in OUTPUTS.glob("*.png"):
        shutil.copy(picture, images / f"sphx_glr_{picture.stem}_001.png")


def crop_thumbnails(app):
    """Show the part of each picture that can be read in a small one: left, upper, right, lower."""
    folder = DOCS / "auto_examples" / "images" / "thumb"
    for name, box in THUMBNAILS.items():
        picture = Image.open(OUTPUTS / f"{name}.png").convert("RGB")
        size = picture.width, picture.height
        part = picture.crop([share * size[i % 2] for i, share in enumerate(box)])
        part.thumbnail((560, 392))
        part.save(folder / f"sphx_glr_{name}_thumb.png")


def lead_to_pages(app, name, source):
    """Let links lead to pages, and give examples their heading, picture and printed text."""
    for link, page in PAGES.items():
        source[0] = re.sub(link, page, source[0])
    folder, _, example = name.partition("/")
    anchor = f".. _sphx_glr_auto_examples_{example}.py:\n\n"
    if folder == "auto_examples" and anchor in source[0]:
        before, _, text = source[0].partition(anchor)
        title = example.replace("_", " ").capitalize()
        code = ".. GENERATED FROM"
        text = text.replace(code, OUTPUT.format(name=example) + code, 1)
        source[0] = f"{before}{anchor}{title}\n{'=' * len(title)}\n{text}"


def skip_foreign(app, kind, name, member, skip, options):
    """Leave out what scikit-learn and Keras document, and what they call."""
    function = getattr(member, "fget", None) or getattr(member, "__func__", member)
    module = getattr(function, "__module__", None) or ""
    return skip or name in PROTOCOL or not module.startswith("skconstrain") or None


def sign(app, kind, name, item, options, signature, returns):
    """Show the arguments of `__init__` for Keras classes too, whose `__new__` takes any."""
    if kind == "class" and "__init__" in vars(item):
        shown = inspect.signature(item.__init__)
        _, *parameters = shown.parameters.values()
        shown = shown.replace(parameters=parameters)
        return stringify_signature(shown, show_annotation=False), None
    return signature, returns


def setup(app):
    """Connect the functions above."""
    app.connect("builder-inited", give_pictures, priority=100)
    app.connect("builder-inited", crop_thumbnails, priority=900)
    app.connect("source-read", lead_to_pages)
    app.connect("autodoc-skip-member", skip_foreign)
    app.connect("autodoc-process-signature", sign)
