"""X.509 certificates as the tree of values that DER writes (ITU-T X.690), named as RFC 5280 §4.1 names them.

Each value has a tag, a length and a content; constructed values hold values. Deeper than `_DEPTH` nothing
is unfolded. Whether a certificate is good is another matter: `netlab.tls.breakage` shows what OpenSSL says
of it.
"""

from __future__ import annotations

from netlab.tls.wire.spans import Cursor, Span, TraceError, counted, printable

_DEPTH = 12

_TAGS = {
    1: "BOOLEAN", 2: "INTEGER", 3: "BIT STRING", 4: "OCTET STRING", 5: "NULL", 6: "OBJECT IDENTIFIER",
    10: "ENUMERATED", 12: "UTF8String", 16: "SEQUENCE", 17: "SET", 19: "PrintableString", 20: "T61String",
    22: "IA5String", 23: "UTCTime", 24: "GeneralizedTime", 28: "UniversalString", 30: "BMPString",
}  # fmt: skip
_TEXTS = {12, 19, 20, 22, 23, 24}

_OIDS = {
    "2.5.4.3": "commonName", "2.5.4.6": "countryName", "2.5.4.7": "localityName",
    "2.5.4.8": "stateOrProvinceName", "2.5.4.10": "organizationName", "2.5.4.11": "organizationalUnitName",
    "2.5.4.5": "serialNumber", "1.2.840.113549.1.1.1": "rsaEncryption",
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption", "1.2.840.113549.1.1.10": "rsassaPss",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption", "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption", "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
    "1.2.840.113549.1.9.1": "emailAddress", "1.2.840.10045.2.1": "ecPublicKey",
    "1.2.840.10045.3.1.7": "prime256v1", "1.3.132.0.34": "secp384r1", "1.3.132.0.35": "secp521r1",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1", "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384", "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    "1.3.101.112": "Ed25519", "1.3.101.113": "Ed448", "2.5.29.14": "subjectKeyIdentifier",
    "2.5.29.15": "keyUsage", "2.5.29.17": "subjectAltName", "2.5.29.19": "basicConstraints",
    "2.5.29.30": "nameConstraints", "2.5.29.31": "cRLDistributionPoints",
    "2.5.29.32": "certificatePolicies", "2.5.29.35": "authorityKeyIdentifier", "2.5.29.37": "extKeyUsage",
    "1.3.6.1.5.5.7.1.1": "authorityInfoAccess", "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth", "1.3.6.1.5.5.7.48.1": "ocsp", "1.3.6.1.5.5.7.48.2": "caIssuers",
    "1.3.6.1.4.1.11129.2.4.2": "signedCertificateTimestampList", "1.3.6.1.5.5.7.1.24": "tlsFeature",
    "0.9.2342.19200300.100.1.25": "domainComponent",
}  # fmt: skip

_CERTIFICATE = ("tbsCertificate", "signatureAlgorithm", "signatureValue")
_TBS = ("serialNumber", "signature", "issuer", "validity", "subject", "subjectPublicKeyInfo")
_NAMED: dict[str, tuple[str, ...]] = {
    "Certificate": _CERTIFICATE,
    "validity": ("notBefore", "notAfter"),
    "subjectPublicKeyInfo": ("algorithm", "subjectPublicKey"),
}


def read(cursor: Cursor) -> None:
    """Read one certificate. Raises TraceError where it is no DER."""
    _value(cursor, "Certificate", 0)


def _value(cursor: Cursor, name: str, depth: int) -> None:
    start = cursor.at
    part = Cursor(cursor.data, start, cursor.stop)
    tag, length = _header(part)
    if length > part.left:
        raise TraceError(
            part.at, f"{name}: a DER value of {length} bytes where {part.left} are left", "X.690 §8.1.3"
        )
    body = Cursor(cursor.data, part.at, part.at + length)
    text = ""
    if tag & 0x20 and depth < _DEPTH and length:
        _inside(body, name, depth)
    else:
        text = _text(tag, body.data[body.at : body.stop])
        body.rest("value", text)
    shown = name or _tag_name(tag)
    cursor.spans.append(Span(shown, start, body.stop, None, text, part.spans + body.spans))
    cursor.at = body.stop


def _inside(body: Cursor, name: str, depth: int) -> None:
    """The values that a constructed value holds, named by their place where RFC 5280 gives them names."""
    names = iter(_NAMED.get(name, ()))
    if name == "tbsCertificate":
        names = iter(_TBS)
    while body.left:
        tag = body.peek(1)
        if name == "tbsCertificate" and tag & 0xC0:
            each = {0xA0: "version", 0xA1: "issuerUniqueID", 0xA2: "subjectUniqueID", 0xA3: "extensions"}.get(
                tag, ""
            )
        else:
            each = next(names, "")
        _value(body, each, depth + 1)


def _header(cursor: Cursor) -> tuple[int, int]:
    """Tag and length (X.690 §8.1): one byte each, or 0x80 + n and n bytes of length."""
    tag = cursor.number(1, "tag", _tag_name)
    if tag & 0x1F == 0x1F:
        raise TraceError(cursor.at, "a DER tag of more than one byte", "X.690 §8.1.2")
    first = cursor.peek(1)
    if first < 0x80:
        return tag, cursor.number(1, "value_length")
    if not 0x81 <= first <= 0x84:
        raise TraceError(cursor.at, f"a DER length that starts with 0x{first:02x}", "X.690 §8.1.3")
    raw = cursor.opaque(1 + (first & 0x7F), "value_length")
    length = int.from_bytes(raw[1:], "big")
    cursor.spans[-1].text = str(length)
    return tag, length


def _tag_name(tag: int) -> str:
    if tag & 0xC0:
        return f"[{tag & 0x1F}]"
    return _TAGS.get(tag & 0x1F, "unknown")


def _text(tag: int, content: bytes) -> str:
    if tag == 6:
        dotted = _oid(content)
        return f"{dotted} {_OIDS.get(dotted, '')}".rstrip()
    if tag in _TEXTS:
        return printable(content)
    if tag == 2 and len(content) <= 8:
        return str(int.from_bytes(content, "big", signed=True))
    if tag == 1:
        return "TRUE" if any(content) else "FALSE"
    return counted(len(content))


def _oid(content: bytes) -> str:
    """An object identifier in dots (X.690 §8.19): seven bits a byte, the first number holds two arcs."""
    arcs, value = [], 0
    for octet in content[:64]:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    if not arcs:
        return ""
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))
