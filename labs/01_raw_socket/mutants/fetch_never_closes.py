"""Leaves the closing to the garbage collector.

caught by: test_fetch_opens_a_connection_and_closes_it
"""
        # >>> task 6: fetch, and fetch again
        self.send(request_bytes(host, port, path))
        status, fields = parse_head(self.read_head())
        while status < 200:
            status, fields = parse_head(self.read_head())
        return Response(status, fields, self.read_content(content_length(status, fields)))
        # <<< task 6

    # >>> task 6: fetch, and fetch again
    stream = socket.create_connection((host, port), timeout=PATIENCE)
    return Connection(stream).get(host, port, path)
    # <<< task 6
