"""Asks for more than the least: who moves exactly as much as it must is dropped.

caught by: test_what_moves_enough_in_each_window_goes_on
"""
        # >>> task 4: tell slow from stopped
        moved = total - self.before
        self.before = total
        return moved > self.least
        # <<< task 4
