"""Sends the rest once more and calls it done.

caught by: test_a_real_socket_with_a_small_buffer_gets_it_all
"""
        # >>> task 2: send every octet
        taken = self.stream.send(data)
        if taken < len(data):
            self.stream.send(data[taken:])
        # <<< task 2
