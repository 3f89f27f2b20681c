"""Takes the first cookie for the session.

caught by: test_a_visitor_with_the_cookie_is_known_by_name
"""
        # >>> task 4: know the visitor
        fields = {"Cache-Control": "no-store"}
        if request.method == "PUT":
            token = secrets.token_urlsafe()
            self.visitors[token] = (await request.read()).decode()
            fields["Set-Cookie"] = f"session={token}; Path=/me; Secure; HttpOnly; SameSite=None"
            return netlab.Response(204, fields=fields)
        pairs = [(request.fields.get("cookie") or "").split("; ")[0].partition("=")]
        known = [token for name, _, token in pairs if name == "session" and token in self.visitors]
        if not known:
            return netlab.Response(401, fields=fields)
        return netlab.Response(200, self.visitors[known[0]], fields)
        # <<< task 4
