"""The pages of text: links lead to files, code can be read, and README keeps what depends on it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_can_be_compiled(page):
    for code in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        compile(code, page.name, "exec")


def test_every_page_is_reached_from_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in text


def test_readme_is_short_and_has_the_two_commands_of_set_up():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    section = text.partition("\n## Set-up\n")[2].partition("\n## ")[0]
    install, test = re.findall(r"```sh\n(.*?)\n```", section, re.DOTALL)
    assert install.endswith("examples/quickstart.py")
    assert test.endswith("-m pytest -n 2")
