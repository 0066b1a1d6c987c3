"""Run the command line as `python -m muguet`."""

from muguet.cli import main

if __name__ == "__main__":  # Processes that are started for blocks import this module under another name.
    main()
