"""Everybody is somebody: 200 for a visitor without a name.

caught by: test_a_visitor_without_a_known_cookie_is_401
"""
        # >>> task 4: know the visitor
        fields = {"Cache-Control": "no-store"}
        if request.method == "PUT":
            token = secrets.token_urlsafe()
            self.visitors[token] = (await request.read()).decode()
            fields["Set-Cookie"] = f"session={token}; Path=/me; Secure; HttpOnly; SameSite=None"
            return netlab.Response(204, fields=fields)
        pairs = (pair.partition("=") for pair in (request.fields.get("cookie") or "").split("; "))
        known = [token for name, _, token in pairs if name == "session" and token in self.visitors]
        if not known:
            return netlab.Response(200, "nobody", fields)
        return netlab.Response(200, self.visitors[known[0]], fields)
        # <<< task 4
