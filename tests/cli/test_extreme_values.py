"""Values whose squares are no numbers in float64 give results or a sentence, and no warnings of NumPy."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tifffile

from tests.cli.conftest import noise

STEP = ("--steps", "1", "--symmetries", "1", "--overwrite")
COMMANDS = (
    ("denoise", "in.tif", "-o", "blur.tif", "--recipe", "gaussian-blur"),
    ("denoise", "in.tif", "-o", "out.tif", "--save-model", "m.muguet", "--json", *STEP),
    ("denoise", "in.tif", "-o", "out.tif", "--prior", "none", *STEP),
    ("info", "in.tif"),
    ("info", "m.muguet"),
    ("check", "in.tif"),
    ("check", "in.tif", "out.tif"),
    ("check", "in.tif", "--model", "m.muguet"),
    ("noise", "in.tif"),
    ("noise", "in.tif", "--clean", "out.tif"),
    ("noise", "m.muguet"),
    ("judge", "in.tif", "out.tif"),
    ("simulate", "out.tif", "-o", "s.tif"),
)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("factor", "kind"),
    [
        (1e298, "some"),
        (1e-302, "all"),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in ((1e298, "all"), (1e-302, "some"), (-1e298, "all"), (-1e298, "some"))
        ),
    ],
)
def test_every_command(muguet, tmp_path, monkeypatch, factor, kind):
    monkeypatch.chdir(tmp_path)
    image = noise((40, 48)).astype(np.float64)
    if kind == "all":
        image *= factor
    else:
        image[::7, ::5] = factor
    tifffile.imwrite("in.tif", image)
    for command in COMMANDS:
        answer = muguet(*command)
        assert answer.code in (0, 2), (command, answer.err)
        assert not re.search("encountered|Traceback", answer.out + answer.err), (command, answer.err)
        assert answer.code == 0 or answer.err.strip(), command
