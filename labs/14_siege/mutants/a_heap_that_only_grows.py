"""A heap, the textbook's answer, whose old entries stay until their moment: a busy connection fills it.

caught by: test_the_table_holds_one_deadline_for_each_name
"""
        # >>> task 1: keep a table of deadlines
        import heapq

        self.moments[name] = self.clock() + seconds
        self.heap = getattr(self, "heap", [])
        heapq.heappush(self.heap, (self.moments[name], str(name), name))
        # <<< task 1
        # >>> task 1: keep a table of deadlines
        self.moments.pop(name, None)
        # <<< task 1
        # >>> task 1: keep a table of deadlines
        now = self.clock()
        import heapq

        heap, due = getattr(self, "heap", []), []
        while heap and heap[0][0] <= now:
            moment, _, name = heapq.heappop(heap)
            if self.moments.get(name) == moment:
                del self.moments[name]
                due.append(name)
        return due
        # <<< task 1
