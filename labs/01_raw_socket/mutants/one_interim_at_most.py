"""Skips one interim response; a server may send several.

caught by: test_interim_responses_are_not_the_answer
"""
        # >>> task 6: fetch, and fetch again
        self.send(request_bytes(host, port, path))
        status, fields = parse_head(self.read_head())
        if status < 200:
            status, fields = parse_head(self.read_head())
        return Response(status, fields, self.read_content(content_length(status, fields)))
        # <<< task 6

    # >>> task 6: fetch, and fetch again
    with socket.create_connection((host, port), timeout=PATIENCE) as stream:
        return Connection(stream).get(host, port, path)
    # <<< task 6
