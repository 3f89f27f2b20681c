"""Empties what waits before each exchange: tidy, and it loses the answer that came early.

caught by: test_each_of_two_exchanges_gets_its_own_response
"""
        # >>> task 6: fetch, and fetch again
        self.waiting = b""
        self.send(request_bytes(host, port, path))
        status, fields = parse_head(self.read_head())
        while status < 200:
            status, fields = parse_head(self.read_head())
        return Response(status, fields, self.read_content(content_length(status, fields)))
        # <<< task 6

    # >>> task 6: fetch, and fetch again
    with socket.create_connection((host, port), timeout=PATIENCE) as stream:
        return Connection(stream).get(host, port, path)
    # <<< task 6
