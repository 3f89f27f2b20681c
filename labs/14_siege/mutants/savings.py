"""Charges each window only what it must move: a fast beginning buys a thousand silent windows.

caught by: test_a_window_does_not_live_off_the_one_before
"""
        # >>> task 4: tell slow from stopped
        moved = total - self.before
        self.before += min(moved, self.least)
        return moved >= self.least
        # <<< task 4
