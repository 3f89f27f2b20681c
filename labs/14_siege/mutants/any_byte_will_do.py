"""Any byte is progress. A client that takes one in each window is never dropped.

caught by: test_a_byte_now_and_then_is_no_progress
"""
        # >>> task 4: tell slow from stopped
        moved = total - self.before
        self.before = total
        return moved > 0
        # <<< task 4
