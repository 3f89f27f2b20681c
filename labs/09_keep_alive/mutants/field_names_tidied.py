"""Two lines of one name become one: a dictionary is so convenient.

caught by: test_a_response_is_a_status_line_field_lines_an_empty_line_and_content
"""
    # >>> task 2: write the response
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{k}: {v}" for k, v in {k.lower(): v for k, v in response.fields}.items() if k.lower() not in ("content-length", "connection")]
    if response.status != 204:
        lines.append(f"Content-Length: {len(response.content)}")
    if persist != (request.minor >= 1):
        lines.append(f"Connection: {'keep-alive' if persist else 'close'}")
    head = "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")
    silent = request.method == "HEAD" or response.status in WITHOUT_CONTENT
    return head if silent else head + response.content
    # <<< task 2
