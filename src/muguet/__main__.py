"""Run the command line as `python -m muguet`."""

from muguet.cli import main

main()
