"""``python -m daemon`` is ``osteoscreen``."""

from daemon.cli import main

main()
