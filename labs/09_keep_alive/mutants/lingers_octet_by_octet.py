"""Every octet buys the client another second.

caught by: test_a_client_that_never_ends_is_not_waited_for_longer_than_linger
"""
    # >>> task 6: carry it over a socket
    with sock:
        try:
            sock.settimeout(idle)
            while not connection.closing and (data := sock.recv(65536)):
                sock.sendall(connection.received(data))
        except TimeoutError:
            pass
        except OSError:
            return
        try:
            sock.shutdown(socket.SHUT_WR)
            end = time.monotonic() + linger
            while (left := end - time.monotonic()) > 0:
                end, left = time.monotonic() + linger, linger
                sock.settimeout(left)
                if not sock.recv(65536):
                    return
        except OSError:
            return
    # <<< task 6
