"""Settings of Sphinx for the documentation site: `make docs` builds it into build/docs."""

from __future__ import annotations

import importlib
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

myst_enable_extensions = ["deflist", "dollarmath", "smartquotes"]
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
nitpick_ignore_regex = [("py:.*", r"(?!muguet\.).*"), ("py:.*", r"muguet\..*\.(__.*|_.*)")]


def setup(app: Sphinx) -> None:
    """Write the pages that are made of the program itself, and find public names by their private paths."""
    generate.write_all(HERE / "reference")
    app.connect("missing-reference", _public_reference)


def _public_reference(
    app: Sphinx, env: BuildEnvironment, node: Any, content: nodes.TextElement
) -> nodes.reference | None:
    """Link a type such as muguet.noise.law.Law to the page of muguet.noise, which has it."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target.startswith("muguet."):
        return None
    public = generate.public_name(target)
    if public is None or public == target:
        return None
    domain = env.get_domain("py")
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", public, node, content)
