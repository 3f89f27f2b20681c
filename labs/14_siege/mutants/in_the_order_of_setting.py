"""Tells the late in the order in which their deadlines were set, as the dictionary keeps them.

caught by: test_the_late_are_told_from_the_earliest_on
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
        for name in due:
            del self.moments[name]
        return due
        # <<< task 1
