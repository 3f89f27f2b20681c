"""Closes at the end, which an exception never reaches.

caught by: test_fetch_closes_the_connection_after_a_failure_too
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
    response = Connection(stream).get(host, port, path)
    stream.close()
    return response
    # <<< task 6
