"""Run the examples, and keep what they print and draw for the gallery of the site.

``python docs/run_examples.py`` runs all of them, which takes some minutes;
``python docs/run_examples.py quickstart gate_search`` runs two.
"""

import subprocess
import sys
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent
OUTPUTS = DOCS / "outputs"


def keep(example):
    """Run one example; write its text and its picture to `docs/outputs`."""
    done = subprocess.run([sys.executable, example], check=True, stdout=subprocess.PIPE, text=True)
    (OUTPUTS / f"{example.stem}.txt").write_text(done.stdout, encoding="utf-8")
    picture = Image.open(example.with_suffix(".png")).convert("RGB")
    # A palette is a third of the bytes. Without dithering, flat colours stay flat.
    picture.quantize(256, dither=Image.Dither.NONE).save(
        OUTPUTS / f"{example.stem}.png", optimize=True
    )


if __name__ == "__main__":
    for path in sorted((DOCS.parent / "examples").glob("*.py")):
        if path.stem in sys.argv[1:] or not sys.argv[1:]:
            print(path.stem, flush=True)
            keep(path)
