"""After a 500 better close, just in case.

caught by: test_a_handler_that_fails_is_a_500_and_not_the_end_of_the_connection
"""
        # >>> task 4: one exchange: is it the last?
        try:
            response = self.app(request)
        except Exception:
            response = Response(500, b"the handler failed\n", [("Connection", "close")])
        persist = persists(request.minor, request.fields) and persists(1, response.fields)
        self.closing = not persist
        return render(request, response, persist)
        # <<< task 4
