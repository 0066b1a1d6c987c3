"""The page of a report: HTML made of its facts, pictures and charts; nothing is fetched from anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

from muguet.report.facts import number
from muguet.report.images import Picture, Pictures

Facts = Mapping[str, Any]

# A verdict's mark, its word on a check, and what the banner makes of it.
_SAID = {
    "good": ("✓", "good", "Denoising worked"),
    "doubtful": ("!", "look at it", "Look at it"),
    "bad": ("✗", "bad", "It did not work"),
    "unknown": ("?", "not judged", "Not judged"),
}
_ZOOM = 6  # canvas pixels a pixel of the crop
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_WATCH = "onerror=e=>{document.documentElement.dataset.errors=(document.documentElement.dataset.errors||'')+e+'; '}"


@dataclass(frozen=True)
class Chart:
    """An SVG with its title and how to read it."""

    svg: str
    title: str
    caption: str


def page(facts: Facts, sections: Sequence[str]) -> str:
    """The whole file: title and verdict, then the sections, and all facts as JSON."""
    # Of a name with </script> in it nothing may end the block early.
    block = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    title = escape(facts["title"])
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="generator" content="muguet {escape(facts["version"])}">
<link rel="icon" href="data:,">
<title>{title} – muguet report</title>
<style>
{_resource("report.css")}</style>
<script>{_WATCH}</script>
</head>
<body>
<main>
<header>
<h1>{title}</h1>
<p class="quiet">Denoised by muguet {escape(facts["version"])}, {escape(facts["started"])}</p>
{_banner(facts)}
</header>
{"".join(sections)}</main>
<script type="application/json" id="muguet">
{block}
</script>
<script>
{_resource("report.js")}</script>
</body>
</html>
"""


def _resource(name: str) -> str:
    return files("muguet.report").joinpath(name).read_text("utf-8")


def section(title: str, *parts: str, level: int = 2) -> str:
    """A section with its heading; empty where there is nothing in it."""
    body = "\n".join(part for part in parts if part)
    return f"<section>\n<h{level}>{escape(title)}</h{level}>\n{body}\n</section>\n" if body else ""


def channel_section(name: str, *parts: str) -> str:
    """All of one channel, of several."""
    return f'<section class="channel">\n<h2>{escape(name)}</h2>\n{"".join(parts)}</section>\n'


# --- Verdicts --------------------------------------------------------------------------------------------


def _banner(facts: Facts) -> str:
    mark, _, said = _SAID[facts["verdict"]]
    return (
        f'<div class="banner {facts["verdict"]}"><span class="mark" aria-hidden="true">{mark}</span>'
        f"<p><strong>{said}</strong> {escape(facts['told'])}</p></div>"
    )


def quality_card(checks: Sequence[Facts]) -> str:
    """Every check with its mark, title and reason; its numbers unfold."""
    return f'<ul class="checks">\n{"".join(map(_check, checks))}</ul>' if checks else ""


def _check(check: Facts) -> str:
    mark, word, _ = _SAID[check["verdict"]]
    numbers = "".join(
        f"<div><dt>{escape(name.replace('_', ' '))}</dt><dd>{number(value)}</dd></div>"
        for name, value in check["figures"].items()
    )
    unfold = f"<details><summary>Numbers</summary><dl>{numbers}</dl></details>" if numbers else ""
    return (
        f'<li class="check {check["verdict"]}"><span class="mark" aria-hidden="true">{mark}</span>'
        f'<div><p class="title">{escape(check["name"])}<span class="word">{word}</span></p>'
        f"<p>{escape(check['told'])}</p>{unfold}</div></li>\n"
    )


# --- Images ----------------------------------------------------------------------------------------------


def images(shown: Pictures) -> str:
    """Three rows: the whole, the crop, and a detail of it that the loupe moves."""
    facts = shown.facts
    crop, detail = facts["crop"], facts["detail"]
    rows = ['<div class="pictures">']
    if shown.wholes:
        whole = facts["whole"]
        rows.append(_row("wholes", shown.wholes, whole["bar"], _box(crop), whole["residual_white"]))
        rows.append(
            f'<p class="quiet">The whole plane, {facts["shape"][1]}×{facts["shape"][0]} pixels'
            + (
                f", each of these the average of {_square(whole['averaged'])}"
                if whole["averaged"] > 1
                else ""
            )
            + "; the frame is the crop below.</p>"
        )
    rows.append(_row("crops", shown.crops, crop["bar"], _box(detail), facts["residual_white"], True))
    rows.append(
        f'<p class="quiet">Every pixel of {"a crop" if shown.wholes else "the plane"}, '
        f"{crop['width']}×{crop['height']}. Noisy and denoised: black is {number(facts['contrast'][0])}, white "
        f"{number(facts['contrast'][1])} counts. A residual without structure is noise, and only noise.</p>"
    )
    rows.append(
        '<p class="hint">Move over a picture, touch it, or use the arrow keys: the loupe follows in all.</p>'
    )
    rows.append(_details(shown.crops, facts))
    return "\n".join([*rows, "</div>"])


def _square(n: int) -> str:
    return f"{n}×{n}, which hides most of the noise"


def _row(
    kind: str, three: Sequence[Picture], bar: Facts | None, box: str, white: float, moved: bool = False
) -> str:
    focus = ' tabindex="0" role="group" aria-label="Loupe: arrow keys move it"' if moved else ""
    figures = [
        f'<figure><div class="view" style="--ratio:{_ratio(each.width, each.height)}"{focus}>'
        f'<img src="{each.source}" width="{each.width}" height="{each.height}" alt="{_alt(each, kind)}">'
        f"{box}{_bar(bar) if n == 0 else ''}</div><figcaption>{_named(each, white)}</figcaption></figure>"
        for n, each in enumerate(three)
    ]
    return f'<div class="three {kind}">\n' + "\n".join(figures) + "\n</div>"


def _details(crops: Sequence[Picture], facts: Facts) -> str:
    crop, detail = facts["crop"], facts["detail"]
    width, height = detail["width"], detail["height"]
    views = [
        f'<figure><div class="view" style="--ratio:{_ratio(width, height)}">'
        f'<canvas width="{_ZOOM * width}" height="{_ZOOM * height}" data-zoom="{_ZOOM}" data-x="{detail["x"]}" '
        f'data-y="{detail["y"]}" role="img" aria-label="{escape(each.name)}, the detail in the frame"></canvas>'
        f"{_bar(detail['bar']) if n == 0 else ''}</div><figcaption><b>{escape(each.name)}</b></figcaption></figure>"
        for n, each in enumerate(crops)
    ]
    place = f'<span class="where" data-x="{crop["x"]}" data-y="{crop["y"]}"></span>'
    return (
        '<div class="three details">\n' + "\n".join(views) + "\n</div>\n"
        f'<p class="quiet">The frame in the crop, {width}×{height} pixels, enlarged. {place}</p>'
    )


def _named(picture: Picture, white: float) -> str:
    shown = f": grey is zero, black and white are ±{number(white)} counts" if "−" in picture.name else ""
    return f"<b>{escape(picture.name)}</b>{shown}"


def _alt(picture: Picture, kind: str) -> str:
    return escape(f"{picture.name}, {'the whole plane' if kind == 'wholes' else 'every pixel of the crop'}")


def _ratio(width: int, height: int) -> str:
    return f"{width / height:.5g}"


def _box(place: Facts) -> str:
    width, height = place["of"]
    at = zip(
        ("left", "top", "width", "height"),
        (place["x"] / width, place["y"] / height, place["width"] / width, place["height"] / height),
        strict=True,
    )
    return (
        '<span class="box" style="'
        + ";".join(f"{name}:{100 * share:.5g}%" for name, share in at)
        + '"></span>'
    )


def _bar(bar: Facts | None) -> str:
    return (
        f'<span class="bar" style="width:{100 * bar["share"]:.5g}%">{escape(bar["label"])}</span>'
        if bar
        else ""
    )


# --- Charts and notes -------------------------------------------------------------------------------------


def charts(every: Sequence[Chart], table: str = "") -> str:
    """Charts side by side where there is room; with a table, the first of them is twice as tall as the others."""
    figures = [
        f"<figure>{each.svg}<figcaption><b>{escape(each.title)}.</b> {escape(each.caption)}</figcaption></figure>"
        for each in every
    ]
    if not figures:
        return table
    return f'<div class="charts{" tall" if table else ""}">\n' + "\n".join([*figures, table]) + "\n</div>"


def notes(sentences: Sequence[str]) -> str:
    """Sentences about what is shown."""
    return "".join(f'<p class="quiet">{escape(sentence)}</p>\n' for sentence in sentences)
