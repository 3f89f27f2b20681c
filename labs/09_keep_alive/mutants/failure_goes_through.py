"""The app's exception ends the loop, and with it the connection.

caught by: test_a_handler_that_fails_is_a_500_and_not_the_end_of_the_connection
"""
        # >>> task 4: one exchange: is it the last?
        response = self.app(request)
        persist = persists(request.minor, request.fields) and persists(1, response.fields)
        self.closing = not persist
        return render(request, response, persist)
        # <<< task 4
