"""`muguet export`: write a model as a package for the BioImage Model Zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from muguet.cli.shared.display import say
from muguet.cli.shared.files import Output, check_files


def export(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model file of muguet fit.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The zip file to write.", show_default=False)],
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the model: letters, digits, spaces, _ - ( ).", show_default="that of the file"
        ),
    ] = None,
    author: Annotated[
        list[str] | None,
        typer.Option(help="Name of an author; give the option once for each.", show_default=False),
    ] = None,
    license_: Annotated[
        str, typer.Option("--license", help="Licence of the model, as an SPDX identifier.")
    ] = "BSD-3-Clause",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing package.")] = False,
) -> None:
    """Write a model as a package of the BioImage Model Zoo, for programs such as deepImageJ, ilastik and QuPath.

    The package holds the network as ONNX and for PyTorch; it takes and returns camera counts.
    It needs the packages of the extra export of muguet.
    """
    from muguet.export.packages import check_packages

    check_packages()  # before PyTorch is imported, which takes seconds
    check_files([model], [Output(out, "zoo")], overwrite)
    from muguet.denoiser.model_file import load
    from muguet.export import About, export_bioimageio
    from muguet.export.documentation import LOST
    from muguet.export.package import UNNAMED

    about = About(name or f"muguet {model.stem}", author or (UNNAMED,), license_)
    found = export_bioimageio(load(model, "cpu"), out, about)
    megabytes = out.stat().st_size / 1e6
    say(f"{found.path}: a package of the BioImage Model Zoo, {megabytes:.2g} MB. {found.sizes}")
    say(
        f"Its result differs from that of muguet by at most {found.difference:.1g} of the noise (one view, float32)."
    )
    say(f"The licence is {license_}; choose another with --license.")
    if not author:
        say("No author is named: add --author before you upload the package.")
    say("The package cannot do everything that muguet does:")
    for sentence in LOST:
        say(f"- {sentence}")
