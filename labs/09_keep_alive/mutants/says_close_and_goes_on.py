"""Writes Connection: close, and forgets it.

caught by: test_the_request_may_say_that_it_is_the_last, test_nothing_is_answered_after_the_request_that_said_close, test_after_the_last_answer_comes_the_end
"""
        # >>> task 4: one exchange: is it the last?
        try:
            response = self.app(request)
        except Exception:
            response = Response(500, b"the handler failed\n")
        persist = persists(request.minor, request.fields) and persists(1, response.fields)
        return render(request, response, persist)
        # <<< task 4
