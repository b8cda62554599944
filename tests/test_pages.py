"""The pages of text: links lead to files, code can be read, and README keeps what depends on it."""

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


# Needs a cluster with an address.
NOT_RUN = {"backends-and-machines"}


def blocks(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def imported(code):
    """Return the packages that a block imports."""
    nodes = list(ast.walk(ast.parse(code)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


RUN = [page for page in PAGES if page.parent.name == "docs" and page.stem not in NOT_RUN]
RUN = [page for page in RUN if blocks(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target.partition("#")[0]).exists(), target


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
    section = text.partition("\n## Set-up\n")[2].partition("\n## ")[0]
    install, test = re.findall(r"```sh\n(.*?)\n```", section, re.DOTALL)
    assert install.endswith("examples/quickstart.py")
    assert test.endswith('-m pytest -n 2 -m "not slow"')
