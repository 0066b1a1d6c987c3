"""The pages of the documentation: their blocks of code with the markers above them, code in sentences, and links.

A comment above a block says how the tests treat it; it is not shown on the page:

    <!-- not run: REASON -->                  only the options, files and names in the block are checked
    <!-- slow: REASON -->                     runs with `make test-slow` alone
    <!-- runs with: MODULE MODULE -->         runs where these modules are installed, and is checked elsewhere

and a comment <!-- files: NAME NAME --> names the files that a reader of the page has (see conftest.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = DOCS / "reference" / "commands.md"
LANGUAGES = {"sh", "bash", "console", "python", "json", "text"}

_MARKER = re.compile(r"<!--\s*(not run|slow|runs with):\s*(.*?)\s*-->", re.DOTALL)
_FILES = re.compile(r"<!--\s*files:\s*(.*?)\s*-->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code of a page, with the marker above it."""

    page: Path
    line: int
    language: str
    text: str
    marker: str = ""
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Link:
    """A link or a picture of a page."""

    page: Path
    target: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.target}"


def pages() -> list[Path]:
    """Return all pages that are written by hand."""
    named = [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CHANGELOG")]
    return named + sorted(path for path in DOCS.rglob("*.md") if path != GENERATED)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, without directives of Sphinx such as a table of contents."""
    found = []
    above = ""
    for token in _tokens(page):
        if token.type == "fence" and not token.info.startswith("{"):
            marker = _MARKER.search(above)
            line = (token.map or [0])[0] + 1
            kind, reason = (marker[1], marker[2]) if marker else ("", "")
            found.append(Block(page, line, token.info.strip(), token.content, kind, reason))
        above = token.content if token.type == "html_block" else ""
    return found


def files(page: Path) -> list[str] | None:
    """Return the names of the files that a reader of a page has; None: all of them."""
    found = _FILES.search(page.read_text(encoding="utf-8"))
    return None if found is None else found[1].split()


def spans(page: Path) -> list[str]:
    """Return the pieces of code within the sentences of a page."""
    return [token.content for token in _inline(page) if token.type == "code_inline"]


def links(page: Path) -> list[Link]:
    """Return the links and pictures of a page that lead to files of the repository."""
    targets = [str(token.attrGet("href") or token.attrGet("src") or "") for token in _inline(page)]
    for token in _tokens(page):
        directive = (
            re.match(r"\{(?:literal)?include\}\s*(\S+)", token.info) if token.type == "fence" else None
        )
        targets += [directive[1]] if directive else []
    return [Link(page, target) for target in targets if target and not re.match(r"[a-z]+:", target)]


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of the headings of a page, as GitHub and MyST make them."""
    found: list[str] = []
    tokens = _tokens(page)
    for token, inside in pairwise(tokens):
        if token.type == "heading_open":
            text = "".join(child.content for child in inside.children or [])
            slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
            found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
    return frozenset(found)


def _inline(page: Path) -> Iterator[Token]:
    for token in _tokens(page):
        yield from token.children or []


@cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
