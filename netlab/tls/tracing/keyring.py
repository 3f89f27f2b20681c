"""Every secret that may open a conversation: a key log, stolen server keys, and sessions met before.

One ring serves all the conversations of a capture, since a resumed session of TLS 1.2 uses the master
secret of the connection where it began (RFC 5246 §7.3, RFC 5077 §3.4).
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from netlab.tls.keylog import MASTER, PRE_MASTER, RSA, SESSION, KeyLog
from netlab.tls.wire.spans import TraceError

Share = x25519.X25519PrivateKey | ec.EllipticCurvePrivateKey

# Sessions that are remembered, by id or ticket: beyond it the oldest is forgotten.
_SESSIONS = 10_000


def load_private_key(pem: bytes) -> rsa.RSAPrivateKey:
    """A server's RSA key from PEM. Raises TraceError for anything else: only RSA keys open recordings."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise TraceError(0, f"no private key in PEM without a password: {error}") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TraceError(0, "the key is not RSA: only an RSA key decrypts a pre-master secret")
    return key


class Keyring:
    """The secrets at hand. log: a key log; keys: RSA keys of servers; shares: private keys of key shares."""

    def __init__(
        self,
        log: KeyLog | None = None,
        keys: tuple[rsa.RSAPrivateKey, ...] = (),
        shares: tuple[Share, ...] = (),
    ) -> None:
        self.log = log if log is not None else KeyLog()
        self.keys = keys
        self._shares = {_public(share): share for share in shares}
        self._sessions: dict[bytes, bytes] = {}
        self._psks: dict[bytes, bytes] = {}

    def add_share(self, private: Share) -> None:
        """Add the private key of a key share: the whole key schedule follows from it."""
        self._shares[_public(private)] = private

    # -- TLS 1.2 and older

    def logged_master(self, client_random: bytes, session_id: bytes) -> bytes | None:
        """The master secret as the key log has it."""
        found = self.log.secret(MASTER, client_random)
        return found or (self.log.secret(SESSION, session_id) if session_id else None)

    def pre_master(self, client_random: bytes, encrypted: bytes) -> bytes | None:
        """The pre-master secret as the key log has it; encrypted: as the client sent it, with RSA."""
        return self.log.secret(PRE_MASTER, client_random) or self.log.secret(RSA, encrypted[:8])

    def remember(self, name: bytes, master: bytes) -> None:
        """Keep the master secret of a session; name: its id or its ticket."""
        if name:
            self._sessions.pop(name, None)
            self._sessions[name] = master
            if len(self._sessions) > _SESSIONS:
                del self._sessions[next(iter(self._sessions))]

    def session(self, *names: bytes) -> bytes | None:
        """The master secret of a session met before, by id or ticket."""
        return next((self._sessions[name] for name in names if name and name in self._sessions), None)

    def rsa_key(self, public: object) -> rsa.RSAPrivateKey | None:
        """The private key that belongs to a public key, if it is at hand."""
        if not isinstance(public, rsa.RSAPublicKey):
            return None
        numbers = public.public_numbers()
        return next((key for key in self.keys if key.public_key().public_numbers() == numbers), None)

    @staticmethod
    def decrypt(key: rsa.RSAPrivateKey, encrypted: bytes) -> bytes:
        """RSAES-PKCS1-v1_5 (RFC 8017 §7.2.2). Raises ValueError; a wrong key may also give random bytes."""
        return key.decrypt(encrypted, padding.PKCS1v15())

    # -- TLS 1.3

    def shared_secret(self, client_share: bytes, server_share: bytes) -> bytes | None:
        """The secret that two shares agree on, when the private key of one of them is at hand."""
        for own, peer in ((client_share, server_share), (server_share, client_share)):
            private = self._shares.get(own)
            try:
                if isinstance(private, x25519.X25519PrivateKey):
                    return private.exchange(x25519.X25519PublicKey.from_public_bytes(peer))
                if private is not None:
                    point = ec.EllipticCurvePublicKey.from_encoded_point(private.curve, peer)
                    return private.exchange(ec.ECDH(), point)
            except ValueError:  # the peer's share is no point of the group
                return None
        return None

    def remember_psk(self, ticket: bytes, psk: bytes) -> None:
        """Keep the PSK that a ticket of TLS 1.3 stands for."""
        self._psks[ticket] = psk
        if len(self._psks) > _SESSIONS:
            del self._psks[next(iter(self._psks))]

    def psk(self, ticket: bytes) -> bytes | None:
        """The PSK of a ticket met before."""
        return self._psks.get(ticket)


def _public(share: Share) -> bytes:
    """The key_exchange bytes of a private key (RFC 8446 §4.2.8.2)."""
    if isinstance(share, x25519.X25519PrivateKey):
        return share.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return share.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
