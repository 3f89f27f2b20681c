"""What drives the labs: registry, learner's workspace and record, checks, evidence, report.

No protocol lives here. The runner knows a lab only through the files of its folder: lab.toml, solution.py,
test_lab.py, measure.py, README.md, explain.md, hints/ and wrong.md.
"""
