"""`python -m tests.bench.clients`: our Session beside aiohttp and httpx, on one core, in one run.

The server (ours, then nginx) has one core, the clients have another. All clients are processes that stay up.
They work in turn, A B C C B A …, and a ratio is taken within one round: a machine that slows down does so for
all. What is shown is the median of the rounds, with the lowest and the highest.
"""
