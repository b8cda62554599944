"""Words of a page of Markdown: ``python -m tests.words README.md docs/*.md``.

It prints, for each page, its words, its sentences of more than 30 words, its longest sentence, its
parentheses, and its lines of more than 110 characters.
"""

import re
import sys
from pathlib import Path

MOST_WORDS, LONGEST_LINE = 30, 110
FENCED = re.compile(r"^( *)(```|~~~|:::).*?^\1\2`*:* *$", re.DOTALL | re.MULTILINE)


def fragments(text):
    """Return the texts between code: paragraphs, items of lists, headings, cells of tables."""
    text = FENCED.sub("\n\n", text)
    text = re.sub(r"<[^>]*>|!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)  # a link is its text
    text = re.sub(r"`[^`]*`", "CODE", text)  # code is a word
    text = re.sub(r"^\s*([-*+]|\d+\.)\s+", "\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"^#+ (.*)$", r"\n\n\1\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"^\|.*\|$", lambda row: row[0].replace("|", "\n\n"), text, flags=re.MULTILINE)
    return [part for part in re.split(r"\n\s*\n", text) if part.strip()]


def sentences(text):
    """Return the sentences of a page, each a list of words."""
    found = []
    for fragment in fragments(text):
        for sentence in re.split(r"(?<=[.!?])[)\"*_]*\s+(?=\S)", fragment):
            words = [word for word in sentence.split() if re.search(r"\w", word)]
            found += [words] if words else []
    return found


def long_sentences(text):
    """Return the sentences that have more words than can be read at once."""
    return [" ".join(words) for words in sentences(text) if len(words) > MOST_WORDS]


def parentheses(text):
    """Count the remarks in parentheses outside code and links."""
    return sum(fragment.count("(") for fragment in fragments(text))


def long_lines(text):
    """Return the lines that are too long, those of code too."""
    return [line for line in text.splitlines() if len(line) > LONGEST_LINE]


if __name__ == "__main__":
    print(f"{'page':32}{'words':>7}{'> 30':>6}{'longest':>9}{'( )':>5}{'> 110':>7}")
    rows = []
    for name in sys.argv[1:]:
        page = Path(name).read_text(encoding="utf-8")
        lengths = [len(words) for words in sentences(page)] or [0]
        counts = len(long_sentences(page)), max(lengths), parentheses(page), len(long_lines(page))
        rows.append((sum(lengths), *counts))
        print(f"{Path(name).name:32}{rows[-1][0]:7}{counts[0]:6}{counts[1]:9}", end="")
        print(f"{counts[2]:5}{counts[3]:7}")
    words, over, longest, remarks, lines = zip(*rows, strict=True)
    print(f"{'all':32}{sum(words):7}{sum(over):6}{max(longest):9}{sum(remarks):5}{sum(lines):7}")
