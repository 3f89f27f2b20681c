"""A deadline is a promise, so the first one stays: the next request inherits what the last one left.

caught by: test_a_new_deadline_replaces_the_old_one
"""
        # >>> task 1: keep a table of deadlines
        self.moments.setdefault(name, self.clock() + seconds)
        # <<< task 1
        # >>> task 1: keep a table of deadlines
        self.moments.pop(name, None)
        # <<< task 1
        # >>> task 1: keep a table of deadlines
        now = self.clock()
        due = [name for name, moment in self.moments.items() if moment <= now]
        due.sort(key=self.moments.__getitem__)
        for name in due:
            del self.moments[name]
        return due
        # <<< task 1
