"""Closes the connection after one exchange: safe, and every request pays for a handshake.

caught by: test_one_real_connection_serves_several_exchanges
"""
        # >>> task 6: fetch, and fetch again
        self.send(request_bytes(host, port, path))
        status, fields = parse_head(self.read_head())
        while status < 200:
            status, fields = parse_head(self.read_head())
        content = self.read_content(content_length(status, fields))
        self.stream.close()
        return Response(status, fields, content)
        # <<< task 6

    # >>> task 6: fetch, and fetch again
    with socket.create_connection((host, port), timeout=PATIENCE) as stream:
        return Connection(stream).get(host, port, path)
    # <<< task 6
