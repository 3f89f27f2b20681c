"""Reads until the client closes, though the last answer has been given.

caught by: test_after_the_last_answer_comes_the_end
"""
    # >>> task 6: carry it over a socket
    with sock:
        try:
            sock.settimeout(idle)
            while (data := sock.recv(65536)):
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
