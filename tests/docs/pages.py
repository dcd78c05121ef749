"""The pages of the README and the documentation, and the code on them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BUILT = ("_build", "generated", "gallery_built")
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted(DOCS.rglob("*.md")) if not set(page.relative_to(DOCS).parts) & set(BUILT)),
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
DIRECTIVE = re.compile(r"^```\{([\w-]+)\}[ ]?(.*)$", flags=re.MULTILINE)


def name_of(page):
    """The name of a page in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page, language):
    """The code blocks of a page in one language."""
    return [code for name, code in BLOCK.findall(page.read_text(encoding="utf-8")) if name == language]


def pages_with(language):
    """The pages that have such blocks."""
    return [page for page in PAGES if blocks(page, language)]


def directives(page):
    """The names and arguments of the directives on a page."""
    return DIRECTIVE.findall(page.read_text(encoding="utf-8"))
