"""One connection in the event loop: the poller, the transport, the sweep of deadlines, eager start.

Below this floor there is no asyncio; above it no code touches a socket or a timer by hand.
"""
