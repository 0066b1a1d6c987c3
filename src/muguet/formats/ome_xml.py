"""Read the OME-XML of a file, and adapt it to the pixels that are written, leaving the rest of the text as it is."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_OME_TYPES = {"float32": "float", "float64": "double", "bool": "bit"}
_IMAGE = re.compile(r"[ \t]*<((?:\w+:)?)Image\b(?!/).*?</\1Image\s*>[ \t]*\n?", re.DOTALL)
_PIXELS = re.compile(r"<((?:\w+:)?)Pixels\b[^>]*>")
_TIFF_DATA = re.compile(
    r"[ \t]*<((?:\w+:)?)TiffData\b(?:[^>]*/>|[^>]*(?<!/)>.*?</\1TiffData\s*>)[ \t]*\n?", re.DOTALL
)
_BIN_DATA = re.compile(
    r"[ \t]*<((?:\w+:)?)(?:BinData|MetadataOnly)\b(?:[^>]*/>|[^>]*>.*?</\1BinData\s*>)[ \t]*\n?", re.DOTALL
)
_NAMED_FILE = re.compile(r"<(?:\w+:)?UUID\b")
_ROOT = re.compile(r"<(?:\w+:)?OME\b[^>]*>")


@dataclass(frozen=True)
class Placed:
    """Where an image of OME-XML lies in a file.

    Attributes
    ----------
    image
        Number of the element Image in the OME-XML, counted from 0.
    first, count
        Number of its first page, and of its pages.
    dtype
        The data type of its pixels, or an empty string if it is as before.
    """

    image: int
    first: int
    count: int
    dtype: str = ""


@lru_cache(maxsize=2)
def parsed(text: str) -> ET.Element:
    """Return the root of OME-XML; the caller must not change it."""
    return ET.fromstring(text)


def numbers_of_images(text: str, sizes: Sequence[tuple[str, ...]]) -> list[int] | None:
    """Return which elements Image the series of a file belong to; None if this cannot be said.

    tifffile leaves out images without pixels. Otherwise its series are the images in their order.

    Parameters
    ----------
    text
        The OME-XML.
    sizes
        Width and height of each series.
    """
    found: list[int] = []
    images = parsed(text).findall("{*}Image")
    at = 0
    for size in sizes:
        while at < len(images):
            pixels = images[at].find("{*}Pixels")
            at += 1
            if pixels is not None and (pixels.get("SizeX"), pixels.get("SizeY")) == size:
                found.append(at - 1)
                break
        else:
            return None
    return found


def adapted(text: str, placed: Sequence[Placed], same_pages: bool) -> str:
    """Return the OME-XML of a file that holds these images, on these pages, with these data types.

    All other images are left out. Everything else stays as it is in the text.

    Parameters
    ----------
    text
        The OME-XML of the input.
    placed
        The images that are written, in the order of their pages.
    same_pages
        Whether the pages are those of the input, so that the elements TiffData can stay if they name no other file.
    """
    spans = list(_IMAGE.finditer(text))
    by_number = {each.image: each for each in placed}
    pieces: list[str] = []
    end = 0
    for number, span in enumerate(spans):
        pieces.append(text[end : span.start()])
        if number in by_number:
            pieces.append(_image(span.group(), by_number[number], same_pages))
        end = span.end()
    result = "".join([*pieces, text[end:]])
    root = _ROOT.search(result)
    if root is not None and not (same_pages and _NAMED_FILE.search(text) is None):
        # The identifier belongs to the input; a set of files finds its members by it.
        opened = re.sub(r'\s+UUID\s*=\s*("[^"]*"|\'[^\']*\')', "", root.group())
        result = result[: root.start()] + opened + result[root.end() :]
    return result


def _image(text: str, placed: Placed, same_pages: bool) -> str:
    """Return the element Image, with its pixels at their new place."""
    if not (same_pages and _NAMED_FILE.search(text) is None):
        text = _BIN_DATA.sub("", text)
        found = list(_TIFF_DATA.finditer(text))
        if found:
            prefix, opening, ending = found[0][1], found[0].group(), found[-1].group()
            indent = opening[: len(opening) - len(opening.lstrip(" \t"))]
            new = f'{indent}<{prefix}TiffData IFD="{placed.first}" PlaneCount="{placed.count}"/>'
            rest = _TIFF_DATA.sub("", text[found[0].end() :])
            text = text[: found[0].start()] + new + ("\n" if ending.endswith("\n") else "") + rest
    if placed.dtype:
        text = _PIXELS.sub(lambda found: _typed(found.group(), placed.dtype), text, count=1)
    return text


def _typed(pixels: str, dtype: str) -> str:
    """Return the opening element Pixels with another data type."""
    pixels = re.sub(r'\s+SignificantBits\s*=\s*("[^"]*"|\'[^\']*\')', "", pixels)
    return re.sub(r'(\sType\s*=\s*)("[^"]*"|\'[^\']*\')', rf'\1"{_OME_TYPES.get(dtype, dtype)}"', pixels)


def annotated(text: str, namespace: str, facts: Mapping[str, Any]) -> str:
    """Return OME-XML with a map annotation of all its images; an earlier one of this namespace is replaced.

    Everything else stays as it is in the text. OME-XML from before 2015 has no such annotation and is returned as it
    is.

    Parameters
    ----------
    text
        The OME-XML.
    namespace
        The namespace of the annotation, which is also part of its identifier.
    facts
        Names and values.
    """
    root = _ROOT.search(text)
    images = list(_IMAGE.finditer(text))
    year = re.search(r"Schemas/OME/(\d{4})", root.group()) if root else None
    if root is None or not images or year is None or int(year[1]) < 2015:
        return text
    prefix, identifier = images[0][1], f"Annotation:{namespace}"
    own = re.compile(
        rf"<((?:\w+:)?)MapAnnotation\b[^>]*\bNamespace=\"{namespace}\"[^>]*>.*?</\1MapAnnotation\s*>",
        re.DOTALL,
    )
    before = own.search(text)
    if before:
        identifier = next(iter(re.findall(r"\bID=\"([^\"]*)\"", before.group())), identifier)
    values = "".join(
        f"<{prefix}M K={quoteattr(name)}>{escape(str(value))}</{prefix}M>" for name, value in facts.items()
    )
    annotation = (
        f"<{prefix}MapAnnotation ID={quoteattr(identifier)} Namespace={quoteattr(namespace)}>"
        f"<{prefix}Value>{values}</{prefix}Value></{prefix}MapAnnotation>"
    )
    if before:
        return text[: before.start()] + annotation + text[before.end() :]
    pieces, end = [], 0
    for image in images:  # The reference to an annotation is the last element of an image.
        closing = text.rindex("</", image.start(), image.end())
        pieces += [text[end:closing], f"<{prefix}AnnotationRef ID={quoteattr(identifier)}/>"]
        end = closing
    last = images[-1].end()
    rest = text[last:]
    closing = rest.rfind(f"</{prefix}StructuredAnnotations>")
    if closing >= 0:
        rest = rest[:closing] + annotation + rest[closing:]
    else:
        whole = f"<{prefix}StructuredAnnotations>{annotation}</{prefix}StructuredAnnotations>"
        empty = re.sub(rf"<{prefix}StructuredAnnotations\s*/>", "", rest)
        rest = whole + empty
    return "".join([*pieces, text[end:last], rest])
