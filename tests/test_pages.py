"""The pages of text: links lead somewhere, code runs, sentences can be read once."""

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.words import long_lines, long_sentences, sentences

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
# The pages of one who reads from the start; the others are written for contributors.
READ = [page for page in PAGES if page.parent.name == "docs" or page.name == "README.md"]


def blocks(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def imported(code):
    """Return the packages that a block imports."""
    nodes = list(ast.walk(ast.parse(code)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


RUN = [page for page in READ if blocks(page)]


def anchors(page):
    """Return what a link can name in a page: its headings, or the names of the reference."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".rst":
        return {f"skconstrain.{name}" for name in re.findall(r"^   ([\w.]+)$", text, re.MULTILINE)}
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        if "://" not in target:
            assert (page.parent / name).exists(), target
            assert not anchor or anchor in anchors(page.parent / name), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_can_be_compiled(page):
    for code in blocks(page):
        compile(code, page.name, "exec")


def test_every_page_is_reached_from_the_start_page():
    found, start = {"index"}, ["index"]
    while start:
        text = (ROOT / "docs" / f"{start.pop()}.md").read_text(encoding="utf-8")
        for names in re.findall(r"```{toctree}\n(?::.*\n)*\n(.*?)```", text, re.DOTALL):
            start += [name for name in names.split() if (ROOT / "docs" / f"{name}.md").exists()]
            found |= set(names.split())
    assert {page.stem for page in (ROOT / "docs").glob("*.md")} <= found
    assert "(docs/guide.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_sentences_can_be_read_once(page):
    text = page.read_text(encoding="utf-8")
    assert not long_sentences(text)
    without_noun = [" ".join(words) for words in sentences(text) if words[0] == "Of"]
    assert not without_noun


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs_from_its_beginning(page, tmp_path, monkeypatch):
    """Blocks that import what is not installed here are left out."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in blocks(page):
        if all(find_spec(name) for name in imported(code)):
            exec(compile(code, page.name, "exec"), names)
    pyplot.close("all")


def test_readme_is_short_and_has_the_two_commands_of_set_up():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 100
    assert all(line.startswith("python3 -m venv") for line in long_lines(text))
    section = text.partition("\n## Set-up\n")[2].partition("\n## ")[0]
    install, test = re.findall(r"```sh\n(.*?)\n```", section, re.DOTALL)
    assert install.endswith("examples/quickstart.py")
    assert test.endswith('-m pytest -n 2 -m "not slow"')
