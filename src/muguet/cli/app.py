"""`muguet app`: open a page in the browser to denoise images, and see what happens."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from muguet.cli.shared.display import say

MINUTES = 5.0


def app(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILES/FOLDERS]",
            help="Files, and folders with all files in them, that can be opened by their path, without a copy.",
            show_default="only files that are dropped on the page",
        ),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.0, help="Longest training of an image, in minutes.")
    ] = MINUTES,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page.", show_default="any free one")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
) -> None:
    """Open a page in the browser: drop an image on it, and see it denoised while the network learns.

    The page comes from this machine and needs no network. Only this machine can open it, by an address with a
    secret in it. Ctrl-C ends it.
    """
    from muguet.app.server import check_packages, serve

    check_packages()  # before PyTorch is imported, which takes seconds

    from muguet.app.service import Service

    def ready(address: str) -> None:
        say(f"The page is {address}")
        say("Ctrl-C ends it.")
        if browser and not webbrowser.open(address):
            say("No browser could be opened: open this address in one on this machine.")

    try:
        serve(Service(paths or (), minutes), ready, port)
    except KeyboardInterrupt:
        say("The page has ended.")
