"""Waits until a connection leaves. If none is open, none can, and the pause has no end.

caught by: test_used_up_descriptors_are_a_reason_to_pause
"""
        # >>> task 5: keep room, and wait for it
        return max(1, descriptors - min(reserve, descriptors // 2))
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
            self.not_before = float("inf")
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
