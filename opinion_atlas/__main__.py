"""`python -m opinion_atlas`."""

from opinion_atlas.app import main

main()
