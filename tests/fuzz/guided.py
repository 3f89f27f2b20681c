"""With atheris: one target in a process of its own, `python -m tests.fuzz.guided TARGET FOLDER SECONDS SEED`.

libFuzzer ends its process when the time is up or an input breaks the target, and writes that input into the
folder; so the targets cannot share one. What it says goes to standard error.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["netlab"]):
    from tests.fuzz.blind import LONGEST
    from tests.fuzz.seeds import WORDS, seeds
    from tests.fuzz.targets import TARGETS

# Seconds for one input, far beyond any that is not a hang; and MiB.
HANG, MEMORY = 20, 2048


def quoted(word: bytes) -> str:
    """A word as libFuzzer's dictionaries write it."""
    return '"' + "".join(f"\\x{octet:02x}" for octet in word) + '"\n'


def main() -> None:
    """Fuzz; does not return."""
    name, folder, seconds, seed = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(data)
    words = folder / "words"
    words.write_text("".join(map(quoted, WORDS[name])))
    target = TARGETS[name]

    def one(data: bytes) -> None:
        target(data)

    options = [
        f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LONGEST}", f"-timeout={HANG}",
        f"-rss_limit_mb={MEMORY}", f"-artifact_prefix={folder}/", f"-dict={words}", str(corpus),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
