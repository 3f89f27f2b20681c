"""A real server on the loopback interface for the length of one check, and a plain client to talk to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import netlab
from netlab.cors import HeaderList, Policy, Routes


class Answer(NamedTuple):
    """A response as it came over the wire."""

    status: int
    fields: HeaderList
    text: str

    def get(self, name: str) -> str:
        """The values of a field, joined; empty if there is none."""
        return ", ".join(self.fields.get_all(name))

    def names(self, name: str) -> set[str]:
        """The elements of a list, in lower case."""
        return {element.strip().lower() for element in self.get(name).split(",") if element.strip()}


Handler = Callable[[netlab.Request], Awaitable[netlab.Response]]


def talk(handler: Handler, *requests: tuple[Any, ...], cors: Policy | Routes | None = None) -> list[Answer]:
    """Send requests, (method, path, field lines, content), to a server with this handler; the answers.

    What the handler raises is raised here: a bare 500 would tell a learner nothing.
    """
    raised: list[BaseException] = []

    async def app(request: netlab.Request) -> netlab.Response:
        try:
            return await handler(request)
        except BaseException as error:
            raised.append(error)
            raise

    async def play() -> list[Answer]:
        answers = []
        async with netlab.Server(app, cors=cors) as server:
            async with netlab.Session() as session:
                for request in requests:
                    method, path, lines, content = (*request, *((), None)[len(request) - 2 :])
                    sent = session.request(method, server.url + path, fields=lines, data=content)
                    async with sent as response:
                        text = await response.text()
                        answers.append(Answer(response.status, HeaderList(response.fields.items()), text))
                    if raised:
                        raise raised[0]
            await server.stop(0)  # the only client has left: there is nobody to wait for
        return answers

    return asyncio.run(play())
