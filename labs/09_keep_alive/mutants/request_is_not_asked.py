"""Only the app may end a connection.

caught by: test_the_request_may_say_that_it_is_the_last
"""
        # >>> task 4: one exchange: is it the last?
        try:
            response = self.app(request)
        except Exception:
            response = Response(500, b"the handler failed\n")
        persist = persists(1, response.fields)
        self.closing = not persist
        return render(request, response, persist)
        # <<< task 4
