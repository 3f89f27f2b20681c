"""Vary *: no cache is of any use then.

caught by: test_the_handler_names_what_its_own_answer_depends_on
"""
        # >>> task 3: answer as a handler
        if request.method == "GET":
            plain = (request.fields.get("accept") or "").startswith("text/plain")
            fields = {
                "Content-Type": "text/plain" if plain else "application/json",
                "X-Total": str(len(self.items)),
                "Cache-Control": "max-age=60",
                "Vary": "*",
            }
            return netlab.Response(200, "\n".join(self.items) if plain else json.dumps(self.items), fields)
        if request.method != "PUT":
            return netlab.Response(405, fields={"Allow": "GET, PUT"})
        try:
            items = json.loads(await request.read())
        except ValueError:
            return netlab.Response(400, "not JSON")
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            return netlab.Response(400, "not a list of strings")
        self.items = items
        return netlab.Response(204)
        # <<< task 3
