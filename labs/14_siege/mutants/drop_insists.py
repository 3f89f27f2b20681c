"""Drops what must be there: a connection that ends twice in one turn brings the server down.

caught by: test_a_dropped_deadline_never_comes
"""
        # >>> task 1: keep a table of deadlines
        self.moments[name] = self.clock() + seconds
        # <<< task 1
        # >>> task 1: keep a table of deadlines
        del self.moments[name]
        # <<< task 1
        # >>> task 1: keep a table of deadlines
        now = self.clock()
        due = [name for name, moment in self.moments.items() if moment <= now]
        due.sort(key=self.moments.__getitem__)
        for name in due:
            del self.moments[name]
        return due
        # <<< task 1
