"""Late is who is beyond its moment: somebody whose moment is exactly now waits for the next sweep.

caught by: test_a_deadline_is_neither_early_nor_late
"""
        # >>> task 1: keep a table of deadlines
        self.moments[name] = self.clock() + seconds
        # <<< task 1
        # >>> task 1: keep a table of deadlines
        self.moments.pop(name, None)
        # <<< task 1
        # >>> task 1: keep a table of deadlines
        now = self.clock()
        due = [name for name, moment in self.moments.items() if moment < now]
        due.sort(key=self.moments.__getitem__)
        for name in due:
            del self.moments[name]
        return due
        # <<< task 1
