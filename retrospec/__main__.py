"""``python -m retrospec``."""

from retrospec.cli.main import main

main()
