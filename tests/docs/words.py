"""Whether what a page names exists: commands and options of muguet, extras, targets of make, and scripts."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from functools import cache

from tests.docs.pages import DOCS, ROOT

sys.path.insert(0, str(DOCS))

import generate

OTHERS = {
    "bash", "cd", "cp", "docker", "export", "for", "done", "host=$(scontrol", "jq", "napari", "pytest", "sbatch", "set",
    "snakemake", "source", "srun", "torchrun",
}  # fmt: skip
"""Programs that pages may call; another one is added here once its lines were tried."""


def lines(text: str) -> list[str]:
    """Return the commands of a block of shell, without comments; a line that ends with a backslash goes on."""
    joined = text.replace("\\\n", " ")
    return [line for line in map(str.strip, joined.splitlines()) if line and not line.startswith("#")]


def faults(line: str) -> list[str]:
    """Return what is wrong with a command: names of options, files, extras or targets that do not exist."""
    words = split(line)
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    if not words or re.match(r"\w+=", words[0]):
        return []
    program, rest = words[0], words[1:]
    if "muguet" in words and (program == "muguet" or words[words.index("muguet") - 1] == "-m"):
        return _muguet(words[words.index("muguet") + 1 :])
    if program == "pip":
        return [fault for word in rest for fault in _extras(word)]
    if program == "make":
        text = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = [word for word in rest if "=" not in word and word != "&&"]
        return [f"make {word}" for word in targets if f"\n{word}:" not in text]
    if program in ("python", "python3"):
        return _python(rest)
    if program == "pytest":
        named = [word for word in rest if word.startswith("tests/")]
        return [word for word in named if not (ROOT / word).exists()]
    return [] if program in OTHERS else [f"the tests do not know the program {program}"]


def split(line: str) -> list[str]:
    """Return the words of a command; the characters of the shell are words of their own."""
    reader = shlex.shlex(line, posix=True, punctuation_chars="<>|&;")
    reader.whitespace_split = True
    reader.commenters = "#"
    return list(reader)


def span_faults(span: str) -> list[str]:
    """Return what is wrong with a piece of code within a sentence."""
    if re.match(r"(muguet|python|make|pip install|torchrun|pytest) ", span) and not re.match(
        r"make(s|d)?$", span
    ):
        return faults(span.replace("…", ""))
    if span.startswith("--"):
        option = span.split()[0].split("=")[0]
        return [] if option in all_options() or _in_a_script(option) else [span]
    if re.match(r"(src|tests|docs|studies|benchmarks|examples)/[\w./-]+$", span):
        return [] if (ROOT / span).exists() or span.startswith("studies/results/noise_") else [span]
    if re.fullmatch(r"muguet(\.\w+)+(\(\))?", span) and not span.endswith(".log"):
        return [] if _resolves(span.removesuffix("()")) else [span]
    return []


@cache
def all_options() -> frozenset[str]:
    """Return the options of all commands of muguet."""
    commands = generate.commands().values()
    return frozenset({"--version"}.union(*(generate.option_names(each) for each in commands)))


def _muguet(words: list[str]) -> list[str]:
    while words and words[0] in ("--version", "--help", "-h"):
        words = words[1:]
    if not words or words[0] in ("COMMAND", "|"):
        return []
    name, rest = words[0], words[1:]
    if name not in generate.commands():
        return [f"muguet {name}"]
    known = generate.option_names(generate.commands()[name])
    if "|" in rest:
        rest = rest[: rest.index("|")]
    options = [word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)]
    return [f"muguet {name} {option}" for option in options if option not in known]


def _extras(word: str) -> list[str]:
    found = re.search(r"\[([\w,]+)\]", word)
    if found is None or word.startswith("napari"):
        return []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [f"extra {each}" for each in found[1].split(",") if each not in project["optional-dependencies"]]


def _python(rest: list[str]) -> list[str]:
    """Check a script and its options, which it or a module beside it must spell."""
    if not rest or rest[0] in ("-c", "-m"):
        return []
    script = ROOT / rest[0]
    if not script.exists():
        return [f"python {rest[0]}"]
    text = "".join(path.read_text(encoding="utf-8") for path in script.parent.glob("*.py"))
    options = [word for word in rest[1:] if word.startswith("--")]
    return [f"{rest[0]} {option}" for option in options if f'"{option}"' not in text]


@cache
def _in_a_script(option: str) -> bool:
    scripts = [
        path for folder in ("benchmarks", "studies", "examples") for path in (ROOT / folder).glob("*.py")
    ]
    return any(f'"{option}"' in path.read_text(encoding="utf-8") for path in scripts)


def _resolves(name: str) -> bool:
    import importlib

    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:n]))
        except ImportError:
            continue
        for part in parts[n:]:
            fields = getattr(value, "__dataclass_fields__", {})
            if not hasattr(value, part) and part not in fields:
                return False
            value = getattr(value, part, None)
        return True
    return False
