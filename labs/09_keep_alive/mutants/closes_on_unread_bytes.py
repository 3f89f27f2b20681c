"""close() at once: what was not read turns into a reset.

caught by: test_bytes_that_nobody_reads_do_not_destroy_the_last_answer
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
            return
            end = time.monotonic() + linger
            while (left := end - time.monotonic()) > 0:
                sock.settimeout(left)
                if not sock.recv(65536):
                    return
        except OSError:
            return
    # <<< task 6
