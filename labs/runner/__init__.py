"""What drives the labs. No protocol lives here, and no lab.

Four folders: learner/ (work folder, record, commands, session), checking/ (a lab's tests run against a file),
authoring/ (regions, wrong programs, the proof that a lab is honest), report/ (measuring, the page). What
labs themselves import stands beside this file: checks, evidence, plots, loader.

The runner knows a lab only through the files of its folder: lab.toml, solution.py, test_lab.py, measure.py,
README.md, explain.md, hints/ and wrong.md.
"""
