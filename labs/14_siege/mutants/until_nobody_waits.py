"""Lets in until nobody waits: while a flood comes, those inside get no turn.

caught by: test_all_who_wait_are_let_in_and_then_others_have_their_turn
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
            self.not_before = now + self.pause
        elif error.errno != errno.ECONNABORTED:
            raise error
        # <<< task 5
    # >>> task 5: keep room, and wait for it
    while True:
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
