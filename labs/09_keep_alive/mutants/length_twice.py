"""The handler's field lines as they are, and then ours.

caught by: test_length_and_connection_are_said_once_and_by_the_server
"""
    # >>> task 2: write the response
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{k}: {v}" for k, v in response.fields]
    if response.status != 204:
        lines.append(f"Content-Length: {len(response.content)}")
    if persist != (request.minor >= 1):
        lines.append(f"Connection: {'keep-alive' if persist else 'close'}")
    head = "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")
    silent = request.method == "HEAD" or response.status in WITHOUT_CONTENT
    return head if silent else head + response.content
    # <<< task 2
