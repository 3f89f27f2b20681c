"""A tiny lab: two tasks, two tests, two wrong programs. The tests bend it and watch the runner."""

from __future__ import annotations

from pathlib import Path

from labs.runner import registry

CURRICULUM = """
[[labs]]
number = 1
slug = "toy"
title = "A toy"
claim = "Toys are simple."

[[labs]]
number = 2
slug = "later"
title = "A later one"
claim = "Later is better."
"""

FILES = {
    "lab.toml": """
id = "toy"
title = "A toy"
minutes = 5
claim = "Toys are simple."
needs = []
[prediction]
question = "How many letters are in a greeting?"
unit = "letters"
figure = "letters"
[[tasks]]
title = "greet"
why = "The word comes before the name, since the reader of a greeting \
expects `hello` first (manners §1). A name in text would not go into bytes, so the code encodes it."
reproduce = "make status"
[[tasks]]
title = "add"
why = "Python's integers have no overflow, so one operator is all that the sum needs (arithmetic). \
A loop that counts up would take longer the larger `b` is, and never end below 0."
""",
    "solution.py": '''"""A toy."""


def greet(name: str) -> bytes:
    """Say hello."""
    # >>> task 1: greet
    return b"hello " + name.encode()
    # <<< task 1


def add(a: int, b: int) -> int:
    """Add."""
    # >>> task 2: add
    return a + b
    # <<< task 2
''',
    "test_lab.py": """import pytest

from labs.runner.checks import same_bytes


@pytest.mark.task(2, rule="arithmetic")
def test_sums_are_right(exercise, seed):
    assert exercise.add(seed, 1) == seed + 1, f"{seed} + 1 is {seed + 1} (arithmetic)"


@pytest.mark.task(1, rule="manners §1")
def test_a_greeting_is_polite(exercise, steps):
    steps.note("asked for bob")
    same_bytes(exercise.greet("bob"), b"hello bob", rule="manners §1")
""",
    "measure.py": """from labs.runner.evidence import Measurement, Plot, Run, Table, Verdict
from labs.runner.plots import Arrow, sequence


def measure(run: Run) -> Measurement:
    run.say("counting letters")
    letters = len(run.code.greet("bob"))
    return Measurement(
        figures={"letters": letters},
        verdict=Verdict.TRUE if letters < 20 else Verdict.FALSE,
        headline=f"{letters} letters",
        tables=[Table("Letters", ("name", "letters"), [("bob", letters)])],
        plots=[Plot("A greeting", sequence("you", "bob", [Arrow("right", "hello <bob>", 0.0)]))],
        notes=["counted by hand"],
    )
""",
    "README.md": "# A toy\n\nRun `make lab-01`.\n",
    "hints/1.md": "## Task 1\n\nBe polite.\n\n## Task 2\n\nThink of `+`.\n",
    "hints/2.md": "## Task 1\n\nSay hello.\n\n## Task 2\n\nLook at `a` and `b`.\n",
    "hints/3.md": '## Task 1\n\n`b"hello "`\n\n## Task 2\n\n`a + b`\n',
    "wrong.md": """# Wrong programs

## Task 1: greet

### Rude

Says nothing to anyone.

Caught by `test_a_greeting_is_polite`.

```diff
-    return b"hello " + name.encode()
+    return b"hey " + name.encode()
```

## Task 2: add

### Subtracts

Takes the wrong sign.

Caught by `test_sums_are_right`.

```diff
-    return a + b
+    return a - b
```
""",
}


def build(root: Path, **changed: str) -> registry.Lab:
    """Write the toy's folder below `root`; `changed` replaces files: solution_py=…, wrong_md=…"""
    files = dict(FILES)
    for name, text in changed.items():
        path = name.replace("__", "/").replace("_py", ".py").replace("_md", ".md").replace("_toml", ".toml")
        files[path] = text
    for name, text in files.items():
        path = root / "01_toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (root / "curriculum.toml").write_text(CURRICULUM, "utf-8")
    return registry.find(1, root)
