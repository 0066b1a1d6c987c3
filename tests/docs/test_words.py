"""What the pages name exists: commands, options, files, public names; and every link leads somewhere."""

from __future__ import annotations

import pytest

from tests.docs.pages import DOCS, GENERATED, ROOT, anchors, links, name_of, pages, spans
from tests.docs.words import faults, generate, span_faults

HISTORY = ("CHANGELOG.md", "docs/evidence/trials.md", "docs/evidence/changelog.md")


@pytest.mark.parametrize("page", [page for page in pages() if name_of(page) not in HISTORY], ids=name_of)
def test_code_within_sentences_names_what_exists(page):
    assert [fault for span in spans(page) for fault in span_faults(span)] == []


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_lead_to_files_and_headings_that_exist(page):
    broken = []
    for link in links(page):
        path, _, anchor = link.target.partition("#")
        target = (page.parent / path).resolve() if path else page
        generated = target == GENERATED or target.parent == GENERATED.parent / "python"
        if generated:
            continue
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(str(link))
        elif not target.is_relative_to(ROOT):
            broken.append(f"{link} leads out of the repository")
    assert broken == []


def test_every_page_of_the_site_can_be_reached():
    listed = {path for page in DOCS.rglob("index.md") for path in page.parent.glob("*.md")}
    text = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("index.md"))
    for page in DOCS.rglob("*.md"):
        assert page in listed
        assert page.name == "index.md" or page.stem in text or page.parent.name == "how-to", page


@pytest.mark.parametrize(
    "line",
    [
        "muguet denoise cells.tif --minutess 3",
        "muguet denoyse cells.tif",
        "torchrun --nproc-per-node 2 -m muguet fit a/ --outt model.muguet",
        "pip install 'muguet[nothing]'",
        "make coffee",
        "python benchmarks/nothing.py",
        "python benchmarks/movies.py --nothing",
        "brew install muguet",
    ],
)
def test_a_wrong_word_is_found(line):
    assert faults(line)


@pytest.mark.parametrize(
    "span", ["--nothing", "muguet denoise --nothing", "src/muguet/nothing.py", "muguet.noise.nothing"]
)
def test_a_wrong_word_within_a_sentence_is_found(span):
    assert span_faults(span)


def test_the_page_of_commands_has_every_option():
    page = generate.commands_page()
    for name, command in generate.commands().items():
        assert f"## muguet {name}" in page
        section = page.partition(f"## muguet {name}\n")[2].partition("\n## ")[0]
        for option in generate.option_names(command) - {"--help", "-h"}:
            assert f"`{option}" in section, (name, option)


def test_the_python_pages_have_every_public_package():
    import muguet

    pages_of = generate.python_pages()
    for name in muguet.__all__:
        if isinstance(getattr(muguet, name), type(muguet)):
            assert f".. automodule:: muguet.{name}\n" in pages_of[f"{name}.rst"]
        elif name != "__version__":
            assert f"muguet.{name}" in pages_of["muguet.rst"]
