"""Settings of Sphinx for the documentation site: `make docs` builds it into build/docs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import generate

import muguet

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

project = "muguet"
author = "the muguet developers"
copyright = "the muguet developers, BSD 3-Clause licence"
version = release = muguet.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns: list[str] = []

html_theme = "furo"
html_title = f"muguet {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False

smartquotes = False  # Options begin with two hyphens.
myst_heading_anchors = 4  # Headings have the anchors that they have on GitHub.

default_role = "literal"  # Docstrings write code between single backticks.
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "groupwise"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88

# A block of the console has no prompt, and a comment is a part of a command.
copybutton_prompt_text = "$ "

# Types of other packages are named without a link, so that a build needs no network.
nitpick_ignore_regex = [("py:.*", r"(?!muguet\.).*")]


def setup(app: Sphinx) -> None:
    """Write the pages that are made of the program itself, and find public names by their private paths."""
    generate.write_all(HERE / "reference")
    app.connect("missing-reference", _public_reference)
    app.connect("autodoc-process-docstring", _escape_bars)
    app.connect("autodoc-skip-member", _skip_fields_of_tuples)


def _escape_bars(app: Sphinx, kind: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """Keep the bars of |x| and p(y | x), which would be substitutions in reStructuredText."""
    for number, line in enumerate(lines):
        parts = re.split(r"(`+[^`]+`+)", line)
        parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
        lines[number] = "".join(parts)


def _skip_fields_of_tuples(
    app: Sphinx, kind: str, name: str, member: object, skip: bool, options: object
) -> bool | None:
    """Leave out the fields of named tuples, which the docstring of the class describes."""
    return True if type(member).__name__ == "_tuplegetter" else None


def _public_reference(
    app: Sphinx, env: BuildEnvironment, node: Any, content: nodes.TextElement
) -> nodes.Element | None:
    """Link a type such as muguet.noise.law.Law to the page of its public name, muguet.noise.Law."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target.startswith("muguet."):
        return None
    public = generate.public_name(target)
    if public is None or public == target:
        return content  # A type that is not public is named without a link.
    domain = env.get_domain("py")
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", public, node, content)
