"""Our Session against servers that we did not write; `python -m tests.client.interop` writes the table."""
