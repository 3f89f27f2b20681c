"""Compares with the beginning instead of the last look: who has ever moved may stop for ever.

caught by: test_what_has_stopped_is_told_at_the_next_look
"""
        # >>> task 4: tell slow from stopped
        moved = total - self.before
        return moved >= self.least
        # <<< task 4
