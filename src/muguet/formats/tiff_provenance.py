"""Store in a TIFF what made it, beside all that its input said: in tags, in ImageJ's Info and in OME-XML."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from typing import Any

from muguet.formats import ome_xml
from muguet.formats.tiff_tags import DESCRIPTION, Tag, Tags, text_tag

SOFTWARE = 305
HISTORY = 37395
"""The tag ImageHistory of TIFF/EP: each line that muguet adds to it is a JSON object."""

PROGRAM = "muguet"
_COUNTS, _METADATA = 50838, 50839  # ImageJ's tags IJMetadataByteCounts and IJMetadata.
_MAGIC, _INFO = (int.from_bytes(word, "big") for word in (b"IJIJ", b"info"))
# Readers recognise the files of these programs by this tag, so it must stay as it is.
_RECOGNISED = re.compile(
    r"SI\.|MetaSeries|ISS Vista|TVX TIFF|EPICS areaDetector|IndicaLabs|PerkinElmer-QPI|Philips DP|"
    r"ScanOutputManager|.*Ventana"
)
_OWN = re.compile(rf"{PROGRAM} \S+(?: \(input: (.*)\))?")
_OWN_LINES = re.compile(rf"^{PROGRAM} \w+ = .*\n?", re.MULTILINE)


def history(provenance: Mapping[str, Any], tags: Tags) -> Tag:
    """Return the tag ImageHistory with a line for `provenance` after those that the input had in its `tags`."""
    lines = [_text(tags[HISTORY])] if HISTORY in tags else []
    return text_tag("\n".join([*lines, json.dumps(dict(provenance))]))


def read_history(tags: Tags) -> dict[str, Any]:
    """Return what made a file, from the tags of its first page; an empty mapping if muguet did not make it."""
    for line in reversed(_text(tags.get(HISTORY)).splitlines()):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and str(found.get("software", "")).startswith(f"{PROGRAM} "):
            return {name: value for name, value in found.items() if isinstance(value, str | int)}
    return {}


def with_provenance(tags: Tags, provenance: Mapping[str, Any], kind: str, byteorder: str) -> dict[int, Tag]:
    """Return the tags of the first page with what made the file; everything else stays as it is.

    Parameters
    ----------
    tags
        Tags of the first page, with the description of the input.
    provenance
        What made the file; if it is empty, the tags are returned as they are.
    kind
        The dialect: for "imagej" the facts are also lines of ImageJ's Info, for "ome" an annotation.
    byteorder
        That of the file, ``"<"`` or ``">"``.
    """
    found = dict(tags)
    if not provenance or dict(provenance) == read_history(tags):
        return found
    if not _RECOGNISED.match(_text(tags.get(SOFTWARE))):
        found[SOFTWARE] = text_tag(software(provenance, tags))
    found[HISTORY] = history(provenance, tags)
    if kind == "imagej":
        found |= _imagej_tags(tags, provenance, byteorder)
    if kind == "ome" and DESCRIPTION in tags:
        found[DESCRIPTION] = text_tag(ome_xml.annotated(_text(tags[DESCRIPTION]), PROGRAM, provenance))
    return found


def software(provenance: Mapping[str, Any], tags: Tags) -> str:
    """Return the text of the tag Software: the program, and in parentheses the one that wrote the input."""
    before = _text(tags.get(SOFTWARE))
    own = _OWN.fullmatch(before)
    earlier = (own[1] or "") if own else before
    short = earlier and not _RECOGNISED.match(earlier)
    return f"{provenance['software']} (input: {earlier})" if short else str(provenance["software"])


def info(before: str, provenance: Mapping[str, Any]) -> str:
    """Return ImageJ's Info with a line for each fact after the lines that the input had."""
    kept = _OWN_LINES.sub("", before)
    lines = [f"{PROGRAM} {name} = {value}\n" for name, value in provenance.items()]
    return "".join([kept, "" if not kept or kept.endswith("\n") else "\n", *lines])


def _imagej_tags(tags: Tags, provenance: Mapping[str, Any], byteorder: str) -> dict[int, Tag]:
    """Return ImageJ's two tags of metadata with the facts in Info; its other entries keep their bytes.

    The first tag holds the lengths of a header and of all entries. The header is a magic number and pairs of numbers:
    the type of entries, and how many follow of this type.
    """
    code = "utf-16-le" if byteorder == "<" else "utf-16-be"
    try:
        lengths = _numbers(tags[_COUNTS], byteorder)
        whole = tags[_METADATA].value
        header = struct.unpack(f"{byteorder}{lengths[0] // 4}I", whole[: lengths[0]])
        magic, *rest = header
        types = list(zip(rest[::2], rest[1::2], strict=True))
    except (KeyError, IndexError, struct.error, ValueError):
        magic, types, lengths, whole = _MAGIC, [], [0], b""
    entries: list[tuple[int, bytes]] = []
    at, number = lengths[0], 1
    for kind, count in types:
        for length in lengths[number : number + count]:
            entries.append((kind, whole[at : at + length]))
            at += length
        number += count
    texts = [value.decode(code, "replace") for kind, value in entries if kind == _INFO]
    text = info(texts[0] if texts else "", provenance)
    entries = [(_INFO, text.encode(code)), *((kind, value) for kind, value in entries if kind != _INFO)]
    counts: dict[int, int] = {}
    for kind, _ in entries:
        counts[kind] = counts.get(kind, 0) + 1
    pairs = [number for pair in counts.items() for number in pair]
    start = struct.pack(f"{byteorder}{1 + len(pairs)}I", magic, *pairs)
    sizes = [len(start), *(len(value) for _, value in entries)]
    body = start + b"".join(value for _, value in entries)
    return {
        _COUNTS: Tag(4, len(sizes), struct.pack(f"{byteorder}{len(sizes)}I", *sizes)),
        _METADATA: Tag(1, len(body), body),
    }


def _numbers(tag: Tag, byteorder: str) -> list[int]:
    letter = {3: "H", 4: "I"}[tag.dtype]
    return list(struct.unpack(f"{byteorder}{tag.count}{letter}", tag.value))


def _text(tag: Tag | None) -> str:
    return "" if tag is None else tag.value.split(b"\0")[0].decode(errors="replace")
