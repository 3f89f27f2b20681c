"""Subtracts the reserve whatever is left: under a small limit there is room for nobody, and the server is deaf.

caught by: test_there_is_room_for_some_and_a_reserve_under_any_limit
"""
        # >>> task 5: keep room, and wait for it
        return descriptors - reserve
        # <<< task 5
        # >>> task 5: keep room, and wait for it
        return self.open < self.room and now >= self.not_before
        # <<< task 5
        # >>> task 5: keep room, and wait for it
        self.open -= 1
        self.not_before = 0.0
        # <<< task 5
        # >>> task 5: keep room, and wait for it
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
            self.not_before = now + self.pause
        elif error.errno != errno.ECONNABORTED:
            raise error
        # <<< task 5
    # >>> task 5: keep room, and wait for it
    for _ in range(ACCEPT):
        if not loop.gate.listening(loop.clock()):
            return
        try:
            sock, _address = loop.listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            loop.gate.failed(error, loop.clock())
        else:
            loop.welcome(sock)
    # <<< task 5
