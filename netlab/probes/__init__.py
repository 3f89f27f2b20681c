"""Probes: what a process and its connections cost, measured from outside, with the error stated.

`process` reads one process (file descriptors, RSS, USS, PSS, connections by state), `kernel` the memory that
the kernel holds for the sockets of one port, `fit` draws the line through the points, `ladder` is the
measurement itself (cost per connection as a slope) and `series` the same process over time. No protocol and
no server here.
"""
