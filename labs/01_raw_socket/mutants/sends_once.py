"""Calls send once: it works as long as the request is short.

caught by: test_every_octet_is_sent_once_and_in_order_however_little_send_takes, test_a_real_socket_with_a_small_buffer_gets_it_all
"""
        # >>> task 2: send every octet
        self.stream.send(data)
        # <<< task 2
