"""The commands of `python -m netlab`: arguments in, printing out. No protocol lives here.

Each command is a module with configure(parser) and run(options) -> exit status; `command` finds it.
"""
