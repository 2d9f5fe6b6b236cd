"""Hearth's Python runtime starts here. The rest lies in a package of its own,
because a package is compiled once and a script at every start."""

from hearth_runtime import main

main()
