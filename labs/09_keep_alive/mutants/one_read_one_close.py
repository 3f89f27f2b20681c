"""One read, one answer, goodbye.

caught by: test_the_socket_stays_open_from_one_request_to_the_next
"""
    # >>> task 6: carry it over a socket
    with sock:
        try:
            sock.settimeout(idle)
            if data := sock.recv(65536):
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
