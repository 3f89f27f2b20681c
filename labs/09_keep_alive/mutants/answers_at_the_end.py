"""Collects the answers and sends them when no more requests come.

caught by: test_the_socket_stays_open_from_one_request_to_the_next, test_an_idle_connection_is_ended
"""
    # >>> task 6: carry it over a socket
    with sock:
        try:
            sock.settimeout(idle)
            answers = b""
            sock.settimeout(None)
            while not connection.closing and (data := sock.recv(65536)):
                answers += connection.received(data)
            sock.sendall(answers)
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
