"""HTTP servers that we did not write, started the same way, with the same routes: what our client talks to.

    with peers.start(peers.PEERS["nginx"], certificates, tls=False) as running:
        running.url      # http://localhost:PORT

GET /          the five bytes "hello"
GET /chunked   LINES, with Transfer-Encoding: chunked (some servers: because they compress it)
GET /big       the file `big`, once the test has made it with `make_big(running.folder)`
an upload      to /digest, /echo or /upload/NAME, as `running.peer.upload` says
POST /refuse   a status of 400 or above, before the content has come

`table` says how each server is started and what it needs. `settings` has the files that configure nginx,
Apache, lighttpd and Caddy. `programs` has what the others run.
"""

from tests.kit.peers.table import PEERS, Lacking, Peer, Running, Upload, start
from tests.kit.peers.world import BIG, LINES, make_big

__all__ = ["BIG", "LINES", "PEERS", "Lacking", "Peer", "Running", "Upload", "make_big", "start"]
