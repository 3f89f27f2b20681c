"""Malformed bytes for the parsers: `python -m tests.fuzz`, which is `make fuzz`.

targets.py     what is fuzzed, and what must hold whatever the bytes are
seeds.py       where it starts: the wire cases, and a few of its own; words worth putting in
guided.py      atheris: mutations guided by the coverage that they reach (a process for each target)
blind.py       without atheris: a loop of our own, guided by the outcomes that are new
finds/         inputs that once broke something, kept and replayed by test_fuzz.py
"""
