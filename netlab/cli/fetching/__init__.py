"""The parts of `netlab fetch`: arguments, writing and resuming, progress, certificate chains."""
