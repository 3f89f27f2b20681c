"""Sends until enough has been taken, but always from the beginning.

caught by: test_every_octet_is_sent_once_and_in_order_however_little_send_takes
"""
        # >>> task 2: send every octet
        sent = 0
        while sent < len(data):
            sent += self.stream.send(data[: len(data) - sent])
        # <<< task 2
