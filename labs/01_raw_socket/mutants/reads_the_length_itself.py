"""Takes content-length straight from the fields, and waits for the content of a 304.

caught by: test_a_304_with_a_length_does_not_wait_for_content
"""
        # >>> task 6: fetch, and fetch again
        self.send(request_bytes(host, port, path))
        status, fields = parse_head(self.read_head())
        while status < 200:
            status, fields = parse_head(self.read_head())
        return Response(status, fields, self.read_content(int(fields["content-length"])))
        # <<< task 6

    # >>> task 6: fetch, and fetch again
    with socket.create_connection((host, port), timeout=PATIENCE) as stream:
        return Connection(stream).get(host, port, path)
    # <<< task 6
