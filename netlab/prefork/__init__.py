"""Several processes that serve one address: a supervisor, its workers, and when a worker starts again.

One process needs none of this: `netlab.server.running` serves in it.
"""
