"""`python -m engines` is `osteoscreen-lab`."""

from engines.cli import main

main()
