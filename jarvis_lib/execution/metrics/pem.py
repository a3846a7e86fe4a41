"""Until when is a certificate valid? Reads just the one field out of its PEM file; the standard library has no public reader."""

import ssl
from datetime import UTC, datetime

_SEQUENCE, _INTEGER, _EXPLICIT, _UTC_TIME, _GENERAL_TIME = 0x30, 0x02, 0xA0, 0x17, 0x18
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


def expires_at(pem: bytes) -> datetime:
    """When the first certificate of the file expires (the server's own in a chain). Raises ValueError with a clause for anything else."""
    begin, end = pem.find(_BEGIN), pem.find(_END)
    if begin < 0 or end < begin:
        raise ValueError("it holds no certificate in PEM form")
    try:
        der = ssl.PEM_cert_to_DER_cert(pem[begin : end + len(_END)].decode("ascii"))
        return _not_after(der)
    except (ValueError, IndexError) as error:
        raise ValueError("its certificate cannot be decoded") from error


def _not_after(der: bytes) -> datetime:
    _, body, _ = _part(der, 0, _SEQUENCE)
    _, fields, _ = _part(body, 0, _SEQUENCE)
    at = _part(fields, 0)[2] if fields[0] == _EXPLICIT else 0
    for tag in (_INTEGER, _SEQUENCE, _SEQUENCE):  # serial number, signature algorithm, issuer
        at = _part(fields, at, tag)[2]
    _, validity, _ = _part(fields, at, _SEQUENCE)
    tag, text, _ = _part(validity, _part(validity, 0)[2])
    form = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERAL_TIME: "%Y%m%d%H%M%SZ"}.get(tag)
    if form is None:
        raise ValueError(f"a time of type {tag}")
    return datetime.strptime(text.decode("ascii"), form).replace(tzinfo=UTC)


def _part(der: bytes, at: int, wanted: int | None = None) -> tuple[int, bytes, int]:
    """(tag, content, where the next part begins) of the part at `at`."""
    tag, length, at = der[at], der[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(der[at : at + count]), at + count
    if (wanted is not None and tag != wanted) or at + length > len(der):
        raise ValueError("not in the form of a certificate")
    return tag, der[at : at + length], at + length
