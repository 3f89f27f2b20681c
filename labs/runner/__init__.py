"""What drives the labs: the registry, the learner's workspace and record, the checks, the evidence, the report.

No protocol lives here. The runner knows a lab only through the files of its folder: lab.toml, solution.py, exercise.py,
test_lab.py, measure.py, README.md, hints/ and mutants/.
"""
