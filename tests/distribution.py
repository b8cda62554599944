"""Check what was built: ``python -m tests.distribution dist``.

The wheel has every file of the package and no other, the sdist has what builds and tests it, and
the version is the same everywhere.
"""

import re
import sys
import tarfile
import zipfile
from pathlib import Path

import skconstrain

ROOT = Path(__file__).parents[1]
IN_SDIST = [
    *("README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "SECURITY.md"),
    *("pyproject.toml", "tests/conftest.py", "docs/conf.py", "docs/_static/logo.svg"),
    *("examples/quickstart.py", "docs/outputs/quickstart.png", "skconstrain/py.typed"),
]


def wheel_problems(folder):
    """Return what the wheel lacks, and what it should not have."""
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = [name for name in archive.namelist() if name.endswith("LICENSE")]
    package = (ROOT / "skconstrain").rglob("*")
    files = {path for path in package if path.suffix in {".py", ".pyi", ".typed"}}
    expected = {path.relative_to(ROOT).as_posix() for path in files}
    problems = [f"wheel lacks {name}" for name in sorted(expected - names)]
    problems += [f"wheel has {name}" for name in sorted(names - expected)]
    return problems if licences else [*problems, "wheel lacks LICENSE"]


def sdist_problems(folder):
    """Return what the sdist lacks, and what was built here and should not be in it."""
    (path,) = folder.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    problems = [f"sdist lacks {name}" for name in IN_SDIST if name not in names]
    built = [name for name in names if re.search(r"(^|/)(_build|__pycache__|\.venv)", name)]
    return problems + [f"sdist has {name}" for name in sorted(built)]


def version_problems(folder):
    """Return where the version differs from that of the package."""
    version, problems = skconstrain.__version__, []
    if f"\nversion: {version}\n" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8"):
        problems.append(f"CITATION.cff is not of {version}")
    if f"\n## [{version}]" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        problems.append(f"CHANGELOG.md has no section of {version}")
    files = [path.name for path in folder.iterdir() if f"-{version}" not in path.name]
    return problems + [f"{name} is not of {version}" for name in files]


if __name__ == "__main__":
    built = Path(sys.argv[1])
    found = wheel_problems(built) + sdist_problems(built) + version_problems(built)
    print("\n".join([*found, f"{len(found)} problems in {built}"]))
    sys.exit(bool(found))
