#!/usr/bin/env python3
"""A CGI program: the SHA-256 of what it is sent."""
import hashlib
import sys

digest = hashlib.sha256()
while piece := sys.stdin.buffer.read1(65536):
    digest.update(piece)
text = digest.hexdigest()
print(f"Content-Type: text/plain\r\nContent-Length: {len(text)}\r\n\r\n{text}", end="")
