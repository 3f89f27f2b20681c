"""Renders the 500 at once, before anybody asked whether it is the last.

caught by: test_a_handler_that_fails_does_not_make_a_last_request_less_last
"""
        # >>> task 4: one exchange: is it the last?
        try:
            response = self.app(request)
        except Exception:
            return render(request, Response(500, b"the handler failed\n"), True)
        persist = persists(request.minor, request.fields) and persists(1, response.fields)
        self.closing = not persist
        return render(request, response, persist)
        # <<< task 4
