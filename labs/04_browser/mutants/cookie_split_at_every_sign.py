"""A value may hold an = of its own.

caught by: test_a_visitor_with_the_cookie_is_known_by_name
"""
        # >>> task 4: know the visitor
        fields = {"Cache-Control": "no-store"}
        if request.method == "PUT":
            token = secrets.token_urlsafe()
            self.visitors[token] = (await request.read()).decode()
            fields["Set-Cookie"] = f"session={token}; Path=/me; Secure; HttpOnly; SameSite=None"
            return netlab.Response(204, fields=fields)
        pairs = ((pair + "=").split("=") for pair in (request.fields.get("cookie") or "").split("; "))
        known = [pair[1] for pair in pairs if pair[0] == "session" and pair[1] in self.visitors]
        if not known:
            return netlab.Response(401, fields=fields)
        return netlab.Response(200, self.visitors[known[0]], fields)
        # <<< task 4
