"""What tests of several rooms share: a clock that a test turns, and waiting for a condition."""
