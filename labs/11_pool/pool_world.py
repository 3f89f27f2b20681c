"""What the checks of this lab are played on: a pool, fake connections, a clock that the test moves."""

from __future__ import annotations

LIMITS = "open == idle + in use + connecting, and open <= limit"
ORDER = "first come, first served"


class Fake:
    """A connection. readable: the server has closed it, so the kernel reports it as readable."""

    def __init__(self, number, host):
        self.number, self.host, self.is_open, self.readable = number, host, True, False

    def __repr__(self):
        return f"#{self.number} to {self.host}"


class World:
    """A pool, its fakes and its clock."""

    def __init__(self, exercise, steps, **settings):
        self.exercise, self.steps, self.now, self.fakes = exercise, steps, 1000.0, []
        self.pool = exercise.Pool(
            self.connect, self.close, stale=lambda fake: fake.readable, clock=lambda: self.now, **settings
        )
        self.woken = []

    def connect(self, host):
        self.fakes.append(Fake(len(self.fakes) + 1, host))
        self.steps.note(f"the pool opens {self.fakes[-1]}")
        return self.fakes[-1]

    def close(self, fake):
        assert fake.is_open, f"{fake} is closed a second time"
        self.steps.note(f"the pool closes {fake}")
        fake.is_open = False

    def put(self, host, place):
        """Write a connection into the book by hand: task 1 needs nothing but the book."""
        fake = self.connect(host)
        self.pool.places[fake] = self.exercise.Place[place]
        self.pool.hosts[fake] = host
        if place == "IDLE":
            self.pool.idle[fake] = self.now
        self.now += 1
        return fake

    def ask(self, host="a", name=None):
        """A request: a ticket, connected if it got a new connection."""
        name = name or f"request {len(self.woken) + 1}"
        self.steps.note(f"{name} asks for {host}")
        ticket = self.pool.acquire(host, lambda: self.woken.append(name))
        return self.connect_if_new(ticket)

    def connect_if_new(self, ticket):
        if ticket.connection is not None and ticket.idle_since is None:
            self.pool.connected(ticket)
        return ticket

    def idle(self, count, host="a"):
        """Idle connections, the first released first."""
        tickets = [self.ask(host) for _ in range(count)]
        fakes = [ticket.connection for ticket in tickets]
        for ticket in tickets:
            self.pool.release(ticket)
            self.now += 1
        return fakes

    def decision(self, host):
        found, connection = self.pool.decide(host)
        return found.name, connection

    def check(self):
        """The rules that hold after every step."""
        pool, now = self.pool, self.pool.counts()
        opened = {fake for fake in self.fakes if fake.is_open}
        assert set(pool.places) == opened, f"open: {opened}, in the book: {set(pool.places)} ({LIMITS})"
        assert now["open"] == now["idle"] + now["in_use"] + now["connecting"], f"{now}: {LIMITS}"
        assert set(pool.idle) == {f for f, p in pool.places.items() if p.name == "IDLE"}, f"idle: {LIMITS}"
        assert not pool.limit or now["open"] <= pool.limit, f"{now}: limit is {pool.limit} ({LIMITS})"
        for host in {fake.host for fake in opened}:
            count = sum(1 for fake in opened if fake.host == host)
            assert not pool.limit_per_host or count <= pool.limit_per_host, f"{count} to {host} ({LIMITS})"
        for ticket in pool.waiting:
            found = pool.decide(ticket.host)[0].name
            assert found == "WAIT", f"a request to {ticket.host} waits although it could {found} ({ORDER})"
