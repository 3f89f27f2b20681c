"""Run by Python 3.12 or 3.13: its default client's verdict on each case laid out in a folder, as JSON.

`python another_python.py FOLDER`: FOLDER has cases.json, `{name: [files…, host]}`. Only the standard library
and `tls_in_memory` beside this file are used, so any Python can run it.
"""

from __future__ import annotations

import json
import ssl
import sys
from pathlib import Path

from tls_in_memory import shake_hands


def main(folder: Path) -> None:
    """Print {name: [verify code, words]}."""
    verdicts = {}
    for name, (chain, key, root, host) in json.loads((folder / "cases.json").read_text()).items():
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.set_ciphers("DEFAULT:@SECLEVEL=0")
        server.load_cert_chain(chain, key)
        client, _ = shake_hands(ssl.create_default_context(cafile=root), server, host)
        verdicts[name] = [client.code, client.message]
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
