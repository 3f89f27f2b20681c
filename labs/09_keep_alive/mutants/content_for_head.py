"""HEAD is a GET, after all.

caught by: test_a_response_to_head_tells_the_length_and_sends_nothing
"""
    # >>> task 2: write the response
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{k}: {v}" for k, v in response.fields if k.lower() not in ("content-length", "connection")]
    if response.status != 204:
        lines.append(f"Content-Length: {len(response.content)}")
    if persist != (request.minor >= 1):
        lines.append(f"Connection: {'keep-alive' if persist else 'close'}")
    head = "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")
    silent = response.status in WITHOUT_CONTENT
    return head if silent else head + response.content
    # <<< task 2
