"""The socket is closed when the client ends first, and not otherwise.

caught by: test_a_client_that_vanished_is_no_error_and_leaves_no_socket_open
"""
    # >>> task 6: carry it over a socket
    if sock:
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
                sock.settimeout(left)
                if not sock.recv(65536):
                    return
        except OSError:
            return
    # <<< task 6
