"""The HTML of a report: facts, pictures and charts put into the Jinja2 templates of the folder `templates`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from muguet.system.extras import check_installed
from muguet.system.text import number, to_json

if TYPE_CHECKING:
    import jinja2

    from muguet.report.channel import Drawings
    from muguet.report.charts import Chart


def render(facts: Mapping[str, Any], drawings: Sequence[Drawings], training_charts: Sequence[Chart]) -> str:
    """Return the whole page as HTML that loads nothing from elsewhere.

    Parameters
    ----------
    facts
        Every number and sentence of the page, as values that JSON can hold. The page also carries them in its
        element ``<script type="application/json" id="muguet">``.
    drawings
        Pictures and charts, one item for each of ``facts["channels"]``.
    training_charts
        Charts of how the training went; may be empty.

    Raises
    ------
    MuguetError
        If Jinja2 is not installed.
    """
    # A name that contains "</script>" must not close the element that holds the facts.
    data = to_json(facts).replace("<", "\\u003c")
    return (
        template_environment()
        .get_template("page.html.j2")
        .render(
            facts=facts,
            drawings=drawings,
            training_charts=training_charts,
            style=_text_of("report.css"),
            script=_text_of("report.js"),
            data=data,
        )
    )


def template_environment(package: str = "muguet.report") -> jinja2.Environment:
    """Return the Jinja2 environment of the templates in the folder `templates` of a package.

    Templates escape every value, and raise if they use a variable that does not exist.

    Raises
    ------
    MuguetError
        If Jinja2 is not installed.
    """
    check_installed("figures", ("jinja2",), "a page")
    import jinja2

    templates = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters["number"] = number
    templates.filters["percent"] = _percent
    return templates


def _text_of(name: str) -> str:
    return files("muguet.report").joinpath("templates", name).read_text("utf-8")


def _percent(share: float) -> str:
    """Return a share as text for CSS, such as 12.5%."""
    return f"{100 * share:.5g}%"
