"""How task 3 feeds a head and says what came of it: the octets fed, with a caret where they differ."""

from labs.runner.checks import same_bytes


def hear(exercise, steps, data, size=1, **limits):
    """Feed in pieces: (what feed returned at last, how many bytes it had been given by then)."""
    reader = exercise.HeadReader(exercise.Limits(**limits))
    fed, outcome = 0, None
    while fed < len(data) and outcome is None:
        piece = data[fed : fed + size]
        fed += len(piece)
        try:
            outcome = reader.feed(piece)
        except exercise.Refused as refused:
            outcome = refused.status
    steps.sent(data[:fed], f"fed, {size} at a time:")
    steps.note(f"feed {told(outcome)}")
    return outcome, fed


def told(outcome):
    """What feed has come to, in words."""
    if outcome is None:
        return "returned None: not whole"
    return f"refused with {outcome}" if isinstance(outcome, int) else "returned a head and what follows it"


def refused(found, status, data, enough, size, rule):
    """It was refused with that status, and no piece was heard behind the one with octet number `enough`."""
    outcome, fed = found
    assert outcome == status, f"{status} is due after {enough} octets; feed {told(outcome)} ({rule})"
    most = -(-enough // size) * size
    if fed > most:
        same_bytes(data[:fed], data[:most], rule, "the octets heard before the refusal")


def same_head(outcome, head, rest, rule):
    """A head and what follows it have come back, octet for octet."""
    assert isinstance(outcome, tuple), (
        f"the head is whole and within its limits; feed {told(outcome)} ({rule})"
    )
    same_bytes(outcome[0], head, rule, "the head")
    same_bytes(outcome[1], rest, rule, "what follows the head")
