"""Looks for the name anywhere in the field.

caught by: test_a_visitor_without_a_known_cookie_is_401
"""
        # >>> task 4: know the visitor
        fields = {"Cache-Control": "no-store"}
        if request.method == "PUT":
            token = secrets.token_urlsafe()
            self.visitors[token] = (await request.read()).decode()
            fields["Set-Cookie"] = f"session={token}; Path=/me; Secure; HttpOnly; SameSite=None"
            return netlab.Response(204, fields=fields)
        cookie = request.fields.get("cookie") or ""
        known = [token for token in self.visitors if f"session={token}" in cookie]
        if not known:
            return netlab.Response(401, fields=fields)
        return netlab.Response(200, self.visitors[known[0]], fields)
        # <<< task 4
