"""Keeps the connection of an HTTP/1.0 client, and does not tell it.

caught by: test_connection_says_what_the_version_does_not_say_by_itself
"""
    # >>> task 2: write the response
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{k}: {v}" for k, v in response.fields if k.lower() not in ("content-length", "connection")]
    if response.status != 204:
        lines.append(f"Content-Length: {len(response.content)}")
    if not persist and request.minor >= 1:
        lines.append(f"Connection: {'keep-alive' if persist else 'close'}")
    head = "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")
    silent = request.method == "HEAD" or response.status in WITHOUT_CONTENT
    return head if silent else head + response.content
    # <<< task 2
