"""What an exchange has to tell at its end: the handler's news, and its response's `on_close`.

Made by an exchange for the first of the two; most exchanges end without.
"""

from __future__ import annotations

from typing import Any

from netlab.http1.messages import RequestHead
from netlab.server.disconnected import Disconnect, Disconnected
from netlab.server.response import Response
from netlab.server.services import Services


class Afterwards:
    """Told once, when the response has gone or is given up; a second time has no effect."""

    __slots__ = ("news", "response")

    def __init__(self) -> None:
        self.news: Disconnected | None = None
        """Set when a handler asks for it (see Request.disconnected)."""
        self.response: Any = None
        """The response whose `on_close` is still to be called. Set by the exchange."""

    def tell(self, server: Services, head: RequestHead) -> None:
        """Tell the handler that its exchange is over; call what it wants to be called."""
        if self.news is not None:
            self.news.set(Disconnect.EXCHANGE_OVER)
        response, self.response = self.response, None
        if isinstance(response, Response) and response.on_close is not None:
            try:
                response.on_close()
            except Exception as error:
                server.report(head, error)
