"""How the checks of lab 04 ask a handler: in a real server on the loopback interface, by netlab's client."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import netlab
from netlab.cors import HeaderList


class Answer(NamedTuple):
    """A response as it came over the wire."""

    status: int
    fields: HeaderList
    text: str

    def get(self, name):
        return ", ".join(self.fields.get_all(name))

    def names(self, name):
        """The elements of a list, in lower case."""
        return {element.strip().lower() for element in self.get(name).split(",") if element.strip()}


def talk(handler, *requests, cors=None):
    """Send requests, (method, path, field lines, content), to a server with this handler; the answers.

    What the handler raises is raised here: a bare 500 would tell a learner nothing.
    """
    raised = []

    async def app(request):
        try:
            return await handler(request)
        except BaseException as error:
            raised.append(error)
            raise

    async def play():
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
            await server.stop(0)  # the only client has left: there is no client to wait for
        return answers

    return asyncio.run(play())
