"""Make one Chromium profile trust our root, and no other browser: `python trust.py HOME ROOT.pem`.

On Linux, Chromium reads the certificates that its user trusts from an NSS database, `HOME/.pki/nssdb`. We
give it a HOME of its own with the root in it, so that it verifies our chain as it verifies any other: root,
intermediate, leaf, name and dates. No check is switched off.

The database is written by NSS itself (libnss3, which Chromium brings along), called through ctypes; what
`certutil -A -t C,,` would do. It is a program of its own: a mistake in C ends this process, not its caller.
"""

from __future__ import annotations

import ctypes
import ssl
import sys
from pathlib import Path

# nss: certdb.h, CERTDB_VALID_CA and CERTDB_TRUSTED_CA: an authority, for servers' certificates.
_TRUSTED_FOR_SERVERS = 1 << 3 | 1 << 4
_NO_KEY = 0


class _Trust(ctypes.Structure):
    """nss: certt.h, CERTCertTrust."""

    _fields_ = (("servers", ctypes.c_uint), ("mail", ctypes.c_uint), ("code", ctypes.c_uint))


def trust(home: Path, root: Path) -> None:
    """Write HOME/.pki/nssdb with the certificate in `root` (PEM). Raises OSError, with NSS's error number."""
    folder = home / ".pki" / "nssdb"
    folder.mkdir(parents=True, exist_ok=True)
    nss, smime = ctypes.CDLL("libnss3.so"), ctypes.CDLL("libsmime3.so")
    for function in (
        nss.PK11_GetInternalKeySlot,
        nss.CERT_GetDefaultCertDB,
        smime.CERT_DecodeCertFromPackage,
    ):
        function.restype = ctypes.c_void_p  # the default, int, would cut a pointer in half

    def must(done: bool, what: str) -> None:
        if not done:
            raise OSError(f"NSS could not {what} in {folder} (error {nss.PORT_GetError()})")

    must(nss.NSS_InitReadWrite(f"sql:{folder}".encode()) == 0, "open its database")
    slot = ctypes.c_void_p(nss.PK11_GetInternalKeySlot())
    if nss.PK11_NeedUserInit(slot):
        must(nss.PK11_InitPin(slot, None, b"") == 0, "make its database")
    octets = ssl.PEM_cert_to_DER_cert(root.read_text("ascii"))
    certificate = ctypes.c_void_p(smime.CERT_DecodeCertFromPackage(octets, len(octets)))
    must(certificate.value is not None, "read the root")
    must(nss.PK11_ImportCert(slot, certificate, _NO_KEY, b"netlab root", 0) == 0, "store the root")
    database = ctypes.c_void_p(nss.CERT_GetDefaultCertDB())
    trusted = _Trust(servers=_TRUSTED_FOR_SERVERS)
    must(nss.CERT_ChangeCertTrust(database, certificate, ctypes.byref(trusted)) == 0, "trust the root")
    nss.CERT_DestroyCertificate(certificate)
    nss.PK11_FreeSlot(slot)
    must(nss.NSS_Shutdown() == 0, "close its database")


if __name__ == "__main__":
    try:
        trust(Path(sys.argv[1]), Path(sys.argv[2]))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
