"""Rounds to whole seconds, since a timer is coarse anyway: now a deadline may be early.

caught by: test_a_deadline_is_neither_early_nor_late
"""
        # >>> task 1: keep a table of deadlines
        self.moments[name] = self.clock() + seconds
        # <<< task 1
        # >>> task 1: keep a table of deadlines
        self.moments.pop(name, None)
        # <<< task 1
        # >>> task 1: keep a table of deadlines
        now = round(self.clock())
        due = [name for name, moment in self.moments.items() if moment <= now]
        due.sort(key=self.moments.__getitem__)
        for name in due:
            del self.moments[name]
        return due
        # <<< task 1
