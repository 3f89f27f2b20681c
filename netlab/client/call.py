"""What `session.get(…)` returns: a coroutine that is also an async context manager."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any

from netlab.client.response import ClientResponse


class Call(Coroutine[Any, Any, ClientResponse]):
    """A request that was put together: `await` it for the response, or enter it, which also releases that.

    A coroutine like any other: asyncio.create_task and TaskGroup take it, too.
    """

    __slots__ = ("_response", "_work")

    def __init__(self, work: Coroutine[Any, Any, ClientResponse]) -> None:
        self._work = work
        self._response: ClientResponse | None = None

    def __await__(self) -> Generator[Any, None, ClientResponse]:
        return self._work.__await__()

    def send(self, value: Any) -> Any:
        """As every coroutine."""
        return self._work.send(value)

    def throw(self, *error: Any) -> Any:
        """As every coroutine."""
        return self._work.throw(*error)

    def close(self) -> None:
        """As every coroutine: it is not wanted any more."""
        self._work.close()

    async def __aenter__(self) -> ClientResponse:
        self._response = response = await self._work
        return response

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._response is not None
        self._response.release()
