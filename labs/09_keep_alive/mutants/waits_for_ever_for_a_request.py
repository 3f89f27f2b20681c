"""No timeout: an idle client costs a thread and a descriptor until it goes.

caught by: test_an_idle_connection_is_ended
"""
    # >>> task 6: carry it over a socket
    with sock:
        try:
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
