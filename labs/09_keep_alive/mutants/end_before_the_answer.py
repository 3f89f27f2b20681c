"""A client that sends no more has left: why answer?

caught by: test_a_client_that_says_no_more_still_gets_its_answers
"""
    # >>> task 6: carry it over a socket
    with sock:
        try:
            sock.settimeout(idle)
            while not connection.closing and (data := sock.recv(65536)):
                time.sleep(0.05)
                answers = connection.received(data)
                if sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                    return
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
