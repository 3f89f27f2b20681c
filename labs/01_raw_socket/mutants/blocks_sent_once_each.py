"""Cuts the data into blocks and trusts that a small block is always taken whole.

caught by: test_every_octet_is_sent_once_and_in_order_however_little_send_takes
"""
        # >>> task 2: send every octet
        for start in range(0, len(data), 4096):
            self.stream.send(data[start : start + 4096])
        # <<< task 2
