"""Without HttpOnly every script of the API's origin reads it.

caught by: test_the_cookie_is_for_scripts_of_no_page_and_for_one_path
"""
        # >>> task 4: know the visitor
        fields = {"Cache-Control": "no-store"}
        if request.method == "PUT":
            token = secrets.token_urlsafe()
            self.visitors[token] = (await request.read()).decode()
            fields["Set-Cookie"] = f"session={token}; Path=/me; Secure; SameSite=None"
            return netlab.Response(204, fields=fields)
        pairs = (pair.partition("=") for pair in (request.fields.get("cookie") or "").split("; "))
        known = [token for name, _, token in pairs if name == "session" and token in self.visitors]
        if not known:
            return netlab.Response(401, fields=fields)
        return netlab.Response(200, self.visitors[known[0]], fields)
        # <<< task 4
