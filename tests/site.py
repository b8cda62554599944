"""Check a built site: ``python -m tests.site docs/_build``.

Every link inside the site leads to a file and, where it names one, to an anchor in it, and every
public name has a page with its parameters, its attributes and an example.
"""

import inspect
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.test_docstrings import public_objects


class Page(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], {""}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors |= {attrs.get("id", ""), attrs.get("name", "")}
        self.links += [attrs[name] for name in ("href", "src") if attrs.get(name)]


def broken_links(site):
    """Return page and target of every link inside the site that leads nowhere."""
    paths = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    pages = {path.resolve(): Page(text) for path, text in texts.items()}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment) if target in pages else ""
            found = target.exists() and (not anchor or anchor in pages[target].anchors)
            if not parts.scheme and not parts.netloc and not found:
                broken.append(f"{path.relative_to(site.resolve())}: {link}")
    return broken


def missing_sections(site):
    """Return what the page of a public name should have and has not."""
    missing = []
    for name, item in public_objects():
        path = site / "api" / f"{name}.html"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        asked = ["Examples"]
        asked += ["Parameters"] if inspect.signature(item).parameters else []
        asked += ["Attributes"] if hasattr(item, "fit") or hasattr(item, "plot") else []
        missing += [f"{path.name}: {title}" for title in asked if f">{title}<" not in text]
    return missing


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    problems = broken_links(folder) + missing_sections(folder)
    print("\n".join([*problems, f"{len(problems)} problems in {folder}"]))
    sys.exit(bool(problems))
