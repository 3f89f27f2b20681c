"""Leaves the table as it is: whoever is told must drop it, and is told again in every turn until then.

caught by: test_who_was_told_late_is_not_told_again
"""
        # >>> task 1: keep a table of deadlines
        self.moments[name] = self.clock() + seconds
        # <<< task 1
        # >>> task 1: keep a table of deadlines
        self.moments.pop(name, None)
        # <<< task 1
        # >>> task 1: keep a table of deadlines
        now = self.clock()
        due = [name for name, moment in self.moments.items() if moment <= now]
        due.sort(key=self.moments.__getitem__)
        return due
        # <<< task 1
