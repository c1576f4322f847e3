"""`python -m staydown` is the command line."""

from staydown.cli.main import run

run()
