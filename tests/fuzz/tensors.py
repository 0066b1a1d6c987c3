"""Model files and checkpoints with mutated headers, tensors and bytes; all but the last have a valid digest."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from muguet.system import tensor_file
from tests.fuzz.case import WEIRD_NUMBERS, Case, cut, flip

_WORDS = (
    None,
    True,
    "",
    "x",
    "x" * 5000,
    "scenes",
    "none",
    "TZCYX",
    [],
    {},
    [[]],
    [1, 2],
    {"a": 1},
    [None],
    "nan",
)
_TEXTS = (
    "[1]",
    "3",
    '"text"',
    "null",
    "{}",
    "[" * 100_000,
    '{"a":' * 100_000,
    "",
    "{",
    "\0",
    "NaN",
    "9" * 5000,
)
_TOKENS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "9" * 5000,
    "1e999",
    "-1e999",
    "[" * 2000,
    '"\\ud800"',
    "1" + "0" * 400,
)
_TYPES = ("BF16", "F8_E4M3", "F4", "I8", "F64", "Q9", "C64", "BOOL", "")

MODEL_COMMANDS = (
    *(["info", "in.muguet"],) * 3,
    ["info", "in.muguet", "--json"],
    *(["denoise", "sound.tif", "-o", "out.tif", "--model", "in.muguet"],) * 3,
    ["denoise", "sound.tif", "-o", "out.tif", "--model", "in.muguet", "--uncertainty", "std.tif"],
    ["noise", "in.muguet"],
    ["check", "sound.tif", "--model", "in.muguet"],
    ["simulate", "sound.tif", "-o", "out.tif", "--law", "in.muguet"],
)
CHECKPOINT_COMMAND = ["denoise", "sound.tif", "-o", "out.tif", "--prior", "none", "--steps", "4", "--resume"]


def parts_of(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the tensors and the header of a sound file."""
    kind = "checkpoint" if path.suffix == ".checkpoint" else "model"
    tensors, header = tensor_file.read(path, kind, dict)
    return dict(tensors), header


def assembled(tensors: dict[str, np.ndarray], text: str, types: dict[str, str] | None = None) -> bytes:
    """Return a file with these tensors and this text as its header, and the right digest."""
    entries: dict[str, Any] = {}
    blocks = []
    start = 0
    names = {
        "float32": "F32",
        "float64": "F64",
        "float16": "F16",
        "uint8": "U8",
        "int64": "I64",
        "int32": "I32",
    }
    for name, value in tensors.items():
        block = np.ascontiguousarray(value).tobytes()
        code = (types or {}).get(name, names.get(str(value.dtype), "F32"))
        entries[name] = {
            "dtype": code,
            "shape": list(value.shape),
            "data_offsets": [start, start + len(block)],
        }
        start += len(block)
        blocks.append(block)
    try:
        digest = tensor_file._digest(tensors, text)
    except UnicodeError:
        digest = ""
    head = json.dumps({"__metadata__": {"muguet": text, "digest": digest}, **entries}).encode()
    return len(head).to_bytes(8, "little") + head + b"".join(blocks)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to all values of a header."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _places(inner, (*path, key))
    return found


def _change_header(header: dict[str, Any], chance: Random) -> str:
    """Return the header as text, with some values replaced, removed, repeated or added."""
    header = copy.deepcopy(header)
    marks: dict[str, str] = {}
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        *above, key = chance.choice(_places(header))
        holder: Any = header
        for each in above:
            holder = holder[each]
        what = chance.randrange(8)
        if what == 0 and isinstance(holder, dict):
            del holder[key]
        elif what == 1 and isinstance(holder[key], list):
            holder[key] = holder[key] * chance.choice((2, 3, 2000)) + holder[key][:1]
        elif what == 2 and isinstance(holder[key], list):
            holder[key] = holder[key][: chance.randrange(len(holder[key]) + 1)]
        elif what == 3:
            holder[key] = [holder[key]]
        elif what == 4:
            mark = f"@{len(marks)}@"
            marks[f'"{mark}"'] = chance.choice(_TOKENS)
            holder[key] = mark
        elif what == 5 and isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
            holder[key] = chance.choice(
                (-holder[key], holder[key] * 1e6, holder[key] * 1e-6, holder[key] + 1)
            )
        elif what == 6:
            holder[key] = chance.choice(WEIRD_NUMBERS)
        else:
            holder[key] = chance.choice(_WORDS)
    text = json.dumps(header)
    for mark, token in marks.items():
        text = text.replace(mark, token, 1)
    return text


def _change_tensors(tensors: dict[str, np.ndarray], chance: Random) -> dict[str, str]:
    """Change a tensor in place of the dictionary, and return data types that its file shall claim."""
    name = chance.choice(list(tensors))
    value = tensors[name]
    what = chance.randrange(9)
    if what == 0:
        del tensors[name]
    elif what == 1:
        tensors["extra." * chance.randrange(3) + "x"] = value
    elif what == 2:
        tensors[name] = value.reshape(-1)[: chance.randrange(value.size + 1)]
    elif what == 3:
        tensors[name] = value[None]
    elif what == 4:
        tensors[name] = value.astype(chance.choice(("float64", "float16", "uint8", "int64")))
    elif what == 5 and chance.random() < 0.5:
        return {name: chance.choice(_TYPES)}
    elif value.dtype.kind == "f":
        changed = value.copy().reshape(-1)
        number = chance.choice((np.nan, np.inf, -np.inf, 3e38, -3e38, 1e30, 1e-45, -1.0, 0.0, 1e6))
        if changed.size:
            changed[chance.randrange(changed.size) if chance.random() < 0.5 else slice(None)] = number
        tensors[name] = changed.reshape(value.shape)
    else:
        tensors[name] = np.full_like(value, chance.choice((0, 1, 255)))
    return {}


def mutated(path: Path, chance: Random) -> tuple[str, bytes]:
    """Return a sentence on the mutation of a sound file, and the mutated file."""
    tensors, header = parts_of(path)
    what = chance.choice(("header",) * 8 + ("tensors",) * 5 + ("text", "bytes", "cut"))
    if what == "header":
        text = _change_header(header, chance)
        return f"header {text[:300]}", assembled(tensors, text)
    if what == "tensors":
        types = {}
        for _ in range(chance.choice((1, 1, 3))):
            types |= _change_tensors(tensors, chance)
        types = {name: code for name, code in types.items() if name in tensors}
        return "tensors", assembled(tensors, json.dumps(header), types)
    if what == "text":
        text = chance.choice(_TEXTS)
        return f"text {text[:20]}", assembled(tensors, text)
    content = path.read_bytes()
    return what, flip(content, chance, 0, 4000) if what == "bytes" else cut(content, chance)


def model_case(chance: Random, sound: Path) -> Case:
    """Return a mutated model and a command that reads it."""
    what, content = mutated(sound / chance.choice(("sound.muguet", "sound.muguet", "two.muguet")), chance)
    return Case("model", what, list(chance.choice(MODEL_COMMANDS)), {"in.muguet": content})


def checkpoint_case(chance: Random, sound: Path) -> Case:
    """Return a mutated checkpoint and the command that continues from it."""
    what, content = mutated(sound / "sound.checkpoint", chance)
    return Case("checkpoint", what, list(CHECKPOINT_COMMAND), {"out.tif.checkpoint": content})
