"""One connection in the event loop: the poller, the transport, the sweep of deadlines, the first step.

Below here is no asyncio; above here nobody touches a socket or a timer by hand.
"""
