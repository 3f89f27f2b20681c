"""What the checks of this lab are played on: requests, the responses to them, and an app."""

from __future__ import annotations


def get(target, *fields, version="1.1", method="GET"):
    """A request's bytes."""
    return "\r\n".join([f"{method} {target} HTTP/{version}", "Host: a", *fields, "", ""]).encode()


def post(target, content):
    """A request's bytes, with content."""
    return get(target, f"Content-Length: {len(content)}", method="POST") + content


def answer(content, *fields, status="200 OK"):
    """The response's bytes that are asked for."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + content


class App:
    """Answers with method, target and content, and remembers what it was asked."""

    def __init__(self, exercise, *fields, failing=()):
        self.exercise, self.fields, self.failing = exercise, fields, failing
        self.seen = []

    def __call__(self, request):
        self.seen.append(request.target)
        if request.target in self.failing:
            raise ValueError("the handler's own mistake")
        content = f"{request.method} {request.target} ".encode() + request.content
        return self.exercise.Response(200, content, self.fields)
