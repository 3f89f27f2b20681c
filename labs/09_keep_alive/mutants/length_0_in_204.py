"""A length of 0 does no harm, one thinks: RFC 9110 §8.6 forbids it.

caught by: test_204_and_304_have_no_content_and_204_no_length_either
"""
    # >>> task 2: write the response
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{k}: {v}" for k, v in response.fields if k.lower() not in ("content-length", "connection")]
    if response.status == 204:
        lines.append("Content-Length: 0")
    else:
        lines.append(f"Content-Length: {len(response.content)}")
    if persist != (request.minor >= 1):
        lines.append(f"Connection: {'keep-alive' if persist else 'close'}")
    head = "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")
    silent = request.method == "HEAD" or response.status in WITHOUT_CONTENT
    return head if silent else head + response.content
    # <<< task 2
