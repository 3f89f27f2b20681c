"""The checks of lab 13: a file, a transport and a producer in the test's own hands. No socket, no clock.

What "waits" means here: the coroutine has come no further after many turns of the event loop, in which
nothing happened that it could have been waiting for.
"""

from __future__ import annotations

import asyncio

import pytest
from flow_fakes import File, Producer, awaited, connected, result, turns, waits

from labs.runner.checks import same_bytes, table

CODING = "RFC 9112 §7.1"
FLOW = "asyncio: pause_writing, resume_writing"
INCOMPLETE = "RFC 9112 §8"
RANGES = "RFC 9110 §14.1.2"


# --- task 1: read a file piece by piece -----------------------------------------------------------------

LETTERS = bytes(range(97, 123))


def pieces_of(content):
    async def all_of_them():
        return [piece async for piece in content]

    return asyncio.run(all_of_them())


@pytest.mark.task(1, rule="one piece in memory")
@table("start, count, size, lengths", (0, 26, 10, [10, 10, 6]), (0, 20, 10, [10, 10]), (5, 7, 4, [4, 3]),
       (24, 2, 10, [2]), (3, 0, 4, []))  # fmt: skip
def test_a_part_of_a_file_is_read_in_pieces_and_the_last_is_the_remainder(
    exercise, steps, start, count, size, lengths
):
    steps.note(f"Pieces(a file of 26 bytes, start={start}, count={count}, size={size})")
    pieces = pieces_of(exercise.Pieces(File(LETTERS), start, count, size))
    same_bytes(b"".join(pieces), LETTERS[start : start + count], f"{count} bytes from position {start} on")
    assert [len(piece) for piece in pieces] == lengths, (
        f"the pieces have {[len(p) for p in pieces]} bytes, not {lengths}"
    )


@pytest.mark.task(1, rule="one piece in memory")
def test_a_piece_is_read_when_it_is_asked_for_and_not_before(exercise, steps):
    file = File(LETTERS)
    content = exercise.Pieces(file, 0, 26, 4)

    async def three_of_them():
        for number in range(3):
            steps.note(f"{number} pieces have been asked for; the file was read {len(file.reads)} times")
            assert sum(file.reads) == 4 * number, (
                f"{sum(file.reads)} bytes were read for {number} pieces of 4: what is read early is memory"
            )
            await anext(content)

    asyncio.run(three_of_them())


@pytest.mark.task(1, rule="read(2): may transfer fewer bytes")
def test_a_short_read_is_a_piece_too(exercise):
    content = exercise.Pieces(File(LETTERS, most=3), 1, 24, 10)
    same_bytes(b"".join(pieces_of(content)), LETTERS[1:25], "a read that gives less than asked is no end")


@pytest.mark.task(1, rule=INCOMPLETE)
def test_a_file_that_has_shrunk_is_an_error_and_not_an_end(exercise):
    try:
        pieces = pieces_of(exercise.Pieces(File(LETTERS), 20, 10, 4))
    except exercise.Shrunk:
        return
    raise AssertionError(
        f"6 of 10 promised bytes came, in {len(pieces)} pieces, and no Shrunk: the reader waits on"
    )


@pytest.mark.task(1, rule="one file position for all who share a file")
def test_two_readers_of_one_file_do_not_disturb_each_other(exercise):
    file = File(LETTERS)
    one, other = exercise.Pieces(file, 0, 9, 3), exercise.Pieces(file, 10, 9, 3)

    async def by_turns():
        return b"".join([await anext(each) for _ in range(3) for each in (one, other)])

    same_bytes(asyncio.run(by_turns()), b"abcklmdefnopghiqrs", "each reads on where it has stopped itself")


# --- task 2: frame a piece, and end the content ---------------------------------------------------------


@pytest.mark.task(2, rule=CODING)
@table("size, digits", (5, b"5"), (10, b"a"), (255, b"ff"), (1 << 20, b"100000"))
def test_a_chunk_is_its_size_the_piece_and_crlf(exercise, size, digits):
    wire = b"".join(exercise.framed(b"x" * size, exercise.Framing.CHUNKED))
    same_bytes(wire, digits + b"\r\n" + b"x" * size + b"\r\n", f"chunk = size CRLF data CRLF, {CODING}")


@pytest.mark.task(2, rule="one piece in memory")
def test_the_piece_is_sent_without_a_copy(exercise):
    piece = bytes(1 << 16)
    for framing in exercise.Framing:
        parts = exercise.framed(piece, framing)
        assert any(part is piece for part in parts), (
            f"{framing.name}: none of the parts is the piece itself: it is in memory twice"
        )


@pytest.mark.task(2, rule=CODING)
def test_an_empty_piece_writes_nothing(exercise):
    for framing in exercise.Framing:
        same_bytes(
            b"".join(exercise.framed(b"", framing)), b"", f"a chunk of size 0 ends the content, {CODING}"
        )


@pytest.mark.task(2, rule=CODING)
def test_the_ending_of_a_chunked_content_is_the_last_chunk_and_an_empty_line(exercise):
    same_bytes(exercise.ending(exercise.Framing.CHUNKED), b"0\r\n\r\n", f"last-chunk CRLF, {CODING}")


@pytest.mark.task(2, rule="RFC 9112 §6.2")
def test_with_content_length_a_piece_has_no_frame_and_the_content_no_end_marker(exercise):
    wire = b"".join(exercise.framed(b"film", exercise.Framing.LENGTH))
    wire += exercise.ending(exercise.Framing.LENGTH)
    same_bytes(wire, b"film", "the length was said in the head (RFC 9112 §6.2)")


# --- task 3: wait when the transport is full ------------------------------------------------------------


@pytest.mark.task(3, rule=FLOW)
@awaited
async def test_a_transport_with_room_takes_the_parts_in_order_and_at_once(exercise):
    connection, wire = connected(exercise)
    for number in range(3):
        await result(asyncio.ensure_future(connection.send((b"%d" % number, b"ba", b"a", b"a"))))
    same_bytes(bytes(wire.sent), b"0baaa1baaa2baaa", "part after part")


@pytest.mark.task(3, rule=FLOW)
@awaited
async def test_a_full_transport_makes_send_wait_until_all_has_gone(exercise):
    connection, wire = connected(exercise, room=4)
    sending = asyncio.ensure_future(connection.send((b"1234", b"5678")))
    await waits(sending, "send has returned although the transport still keeps 4 of 8 bytes")
    wire.take(3)
    await waits(sending, "send has returned although the transport still keeps 1 byte")
    wire.take(1)
    await result(sending)


@pytest.mark.task(3, rule=FLOW)
@awaited
async def test_a_woken_writer_looks_again_for_room(exercise):
    connection, wire = connected(exercise, room=0)
    sending = asyncio.ensure_future(connection.send((b"one",)))
    await turns()
    wire.take(3)
    wire.write(b"two")  # another task was faster: it takes the room before the waiting task has its turn
    await waits(sending, "send has returned although the transport has called pause_writing again")
    wire.take(3)
    await result(sending)


@pytest.mark.task(3, rule=FLOW)
@awaited
async def test_all_writers_that_wait_for_room_are_woken(exercise):
    connection, wire = connected(exercise, room=0)
    waiting = [asyncio.ensure_future(connection.send((b"%d" % number,))) for number in range(3)]
    await turns()
    wire.take(10)
    for each in waiting:
        await result(each)


@pytest.mark.task(3, rule="one event loop for all")
@awaited
async def test_a_fast_reader_does_not_keep_the_others_waiting(exercise):
    connection, _ = connected(exercise)
    others = 0

    async def another():
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(another())
    for _ in range(64):
        await connection.send((bytes(65536),))
    beside.cancel()
    assert others >= 8, (
        f"4 MiB went out, and another coroutine got {others} turns: one every 256 KiB makes 16"
    )


@pytest.mark.task(3, rule="a producer that waits for nothing else would never learn it")
@awaited
async def test_send_raises_when_the_client_has_left(exercise):
    connection, wire = connected(exercise)
    connection.lost = True
    with pytest.raises(ConnectionResetError):
        await connection.send((b"never sent",))
        pytest.fail("the client has left, and send returned: raise ConnectionResetError")
    same_bytes(bytes(wire.sent), b"", "the client has left: nothing more is written")


@pytest.mark.task(3, rule="a producer that waits for nothing else would never learn it")
@awaited
async def test_send_raises_when_the_client_leaves_while_it_waits_for_room(exercise):
    connection, _ = connected(exercise, room=0)
    sending = asyncio.ensure_future(connection.send((b"more than it takes",)))
    await turns()
    connection.lost = True
    connection.resume_writing()  # the client takes no more bytes, so a waiting send may stop waiting
    with pytest.raises(ConnectionResetError):
        await result(sending)
        pytest.fail("the client left while send waited, and send returned: raise ConnectionResetError")


# --- task 4: stop when the client leaves ----------------------------------------------------------------

HEAD = b"HTTP/1.1 200 \r\n\r\n"


def responding(exercise, connection, content, framing="CHUNKED"):
    """A response under way, in the connection's task."""
    sending = exercise.respond(connection, HEAD, content, exercise.Framing[framing])
    connection.task = asyncio.ensure_future(sending)
    return connection.task


async def ended(task, content, wire, why):
    """A few turns later, it is all over."""
    await turns(4)
    unwritten = task.done() and not task.cancelled() and task.exception()
    if isinstance(unwritten, NotImplementedError):
        raise unwritten
    assert content.closed, f"{why}: the producer has not been closed; its file stays open"
    assert task.done(), f"{why}: respond goes on"
    assert wire.end == "aborted", (
        f"{why}: the transport is {wire.end or 'open'}: call transport.abort(), "
        "or the reader takes half a file for all of it"
    )


@pytest.mark.task(4, rule=CODING)
@awaited
async def test_a_response_goes_out_whole_and_ends_the_connection_in_order(exercise):
    for framing, expected in ("CHUNKED", b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"), ("LENGTH", b"onetwo"):
        connection, wire = connected(exercise)
        content = Producer(b"one", b"two")
        await result(responding(exercise, connection, content, framing))
        same_bytes(bytes(wire.sent), HEAD + expected, "head, pieces, ending")
        assert wire.end == "closed", f"the connection is {wire.end or 'open'}, not closed in order"
        assert content.closed, "all has been sent, but respond has not closed the producer"


@pytest.mark.task(4, rule="one piece in memory")
@awaited
async def test_the_next_piece_is_asked_for_when_this_one_has_been_sent(exercise):
    connection, wire = connected(exercise, room=len(HEAD) + 40)
    content = Producer(*[bytes(100)] * 5)
    task = responding(exercise, connection, content, "LENGTH")
    for number in range(1, 5):
        await waits(task, "respond has returned although the reader has not taken all")
        assert content.made == number, (
            f"{content.made} pieces have been made for a reader who has not even taken {number} of them"
        )
        wire.take(100)
    task.cancel()
    await asyncio.wait((task,))


@pytest.mark.task(4, rule="a turn of the event loop")
@awaited
async def test_a_client_that_leaves_while_it_stalls_closes_the_producer(exercise):
    connection, wire = connected(exercise, room=10)
    content = Producer(*[bytes(100)] * 5)
    task = responding(exercise, connection, content)
    await turns()
    connection.connection_lost(ConnectionResetError())
    await ended(task, content, wire, "the client has left")


@pytest.mark.task(4, rule="a turn of the event loop")
@awaited
async def test_a_client_that_leaves_while_the_producer_waits_closes_it(exercise):
    connection, wire = connected(exercise)
    content = Producer(b"one", waits=True)
    task = responding(exercise, connection, content)
    await turns()
    connection.connection_lost(None)
    await ended(task, content, wire, "the client has left, the producer waits for its disk")


@pytest.mark.task(4, rule="a turn of the event loop")
@awaited
async def test_a_client_that_leaves_before_the_first_piece_closes_the_producer(exercise):
    connection, wire = connected(exercise, room=0)
    content = Producer(b"one")
    task = responding(exercise, connection, content)
    await turns()
    connection.connection_lost(ConnectionResetError())
    await ended(task, content, wire, "the client has left before the first piece")


@pytest.mark.task(4, rule="a turn of the event loop")
@awaited
async def test_all_writers_are_woken_when_the_client_leaves(exercise):
    connection, _ = connected(exercise, room=0)
    waiting = [asyncio.ensure_future(connection.send((b"%d" % number,))) for number in range(2)]
    await turns()
    connection.connection_lost(ConnectionResetError())
    for each in waiting:
        with pytest.raises(ConnectionResetError):
            await result(each)
            pytest.fail(
                "the client left while two writers waited, and one of them returned as if it had sent"
            )


@pytest.mark.task(4, rule=INCOMPLETE)
@awaited
async def test_a_failing_producer_aborts_the_connection_and_its_error_is_raised(exercise):
    connection, wire = connected(exercise)
    content = Producer(b"one", failure=exercise.Shrunk("the disk is gone"))
    task = responding(exercise, connection, content)
    await ended(task, content, wire, "the producer has failed")
    same_bytes(bytes(wire.sent), HEAD + b"3\r\none\r\n", "no ending: it would make half a film a whole one")
    with pytest.raises(exercise.Shrunk):
        task.result()
        pytest.fail("the producer raised Shrunk, and the handler kept it: let it out after the abort")


@pytest.mark.task(4, rule=INCOMPLETE)
@awaited
async def test_a_cancellation_aborts_the_connection_and_is_raised(exercise):
    connection, wire = connected(exercise, room=10)
    content = Producer(*[bytes(100)] * 5)
    task = responding(exercise, connection, content)
    await turns()
    task.cancel()
    await ended(task, content, wire, "the server has cancelled the response")
    assert task.cancelled(), (
        "respond has swallowed its cancellation: raise it on to the caller that cancelled"
    )


# --- task 5: send the part that a player asks for -------------------------------------------------------


def part(exercise, field, size=1000):
    found = exercise.part_of(field, size)
    return found.status, found.start, found.count


@pytest.mark.task(5, rule=RANGES)
@table("field, start, count", ("bytes=0-0", 0, 1), ("bytes=500-999", 500, 500), ("bytes=0-99", 0, 100),
       ("bytes=500-", 500, 500), ("bytes=0-", 0, 1000), ("bytes=990-5000", 990, 10),
       ("bytes=999-", 999, 1))  # fmt: skip
def test_a_range_beyond_the_film_is_cut_to_its_length(exercise, field, start, count):
    got = part(exercise, field)
    assert got == (206, start, count), (
        f"{field} of 1000 bytes is {count} from {start} on, not {got} ({RANGES})"
    )


@pytest.mark.task(5, rule=RANGES)
@table("field, start, count", ("bytes=-500", 500, 500), ("bytes=-1", 999, 1), ("bytes=-5000", 0, 1000))
def test_a_suffix_is_the_end_of_the_film(exercise, field, start, count):
    got = part(exercise, field)
    assert got == (206, start, count), (
        f"{field} of 1000 bytes is {count} from {start} on, not {got} ({RANGES})"
    )


@pytest.mark.task(5, rule="RFC 9110 §15.5.17")
@table("field, size", ("bytes=1000-", 1000), ("bytes=1000-1005", 1000), ("bytes=-0", 1000), ("bytes=0-", 0),
       ("bytes=-5", 0))  # fmt: skip
def test_an_empty_range_gets_416(exercise, field, size):
    status, _, count = part(exercise, field, size)
    assert (status, count) == (416, 0), f"{field} of {size} bytes has nothing to send: 416, not {status}"


@pytest.mark.task(5, rule="RFC 9110 §14.2")
@table("field", None, "", "bytes", "bytes=", "bytes=-", "items=0-5", "bytes=0-1,5-6", "bytes=5-4",
       "bytes=a-b", "bytes=+5-9", "bytes=1_0-50", "bytes=\u0665-", "bytes=0x5-", "bytes:0-5",
       "bytes=5")  # fmt: skip
def test_a_range_that_is_not_understood_is_ignored_and_the_whole_film_is_sent(exercise, field):
    got = part(exercise, field)
    assert got == (200, 0, 1000), f"Range: {field} is ignored: 200 and 1000 bytes, not {got} (RFC 9110 §14.2)"


@pytest.mark.task(5, rule="RFC 9110 §14.1")
def test_the_unit_of_a_range_ignores_case(exercise):
    got = part(exercise, "Bytes=10-19")
    assert got == (206, 10, 10), f"range units are case-insensitive (RFC 9110 §14.1); got {got}"
