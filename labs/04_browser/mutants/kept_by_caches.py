"""The answer to one visitor, kept for the next.

caught by: test_what_is_one_visitors_own_is_not_kept
"""
        # >>> task 4: know the visitor
        fields = {"Cache-Control": "private, max-age=60"}
        if request.method == "PUT":
            token = secrets.token_urlsafe()
            self.visitors[token] = (await request.read()).decode()
            fields["Set-Cookie"] = f"session={token}; Path=/me; Secure; HttpOnly; SameSite=None"
            return netlab.Response(204, fields=fields)
        pairs = (pair.partition("=") for pair in (request.fields.get("cookie") or "").split("; "))
        known = [token for name, _, token in pairs if name == "session" and token in self.visitors]
        if not known:
            return netlab.Response(401, fields=fields)
        return netlab.Response(200, self.visitors[known[0]], fields)
        # <<< task 4
