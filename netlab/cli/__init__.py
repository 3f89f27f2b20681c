"""The commands of `python -m netlab`: arguments in, printing out. No protocol lives here.

Each command is a module with HELP, configure(parser) and run(options) -> exit status; the table below finds it.
"""
