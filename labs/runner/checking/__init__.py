"""Running a lab's tests against a file, and telling what failed."""
