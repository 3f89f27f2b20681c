"""Takes the later of two deadlines, and can never tighten one: after an idle time of 75 s, no head has 10.

caught by: test_a_new_deadline_replaces_the_old_one
"""
        # >>> task 1: keep a table of deadlines
        self.moments[name] = max(self.moments.get(name, 0), self.clock() + seconds)
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
