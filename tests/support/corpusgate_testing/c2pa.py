"""Files with C2PA manifests, signed by a chain that nobody trusts."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

_FROM = datetime(2026, 1, 1, tzinfo=UTC)
_BORN = {
    "action": "c2pa.created",
    "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation",
}


def png() -> bytes:
    """A picture of one dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0\0")), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def epub() -> bytes:
    """A book of no page."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("META-INF/container.xml", "<x/>")
    return out.getvalue()


def signed(
    uses: dict[str, str],
    content: bytes | None = None,
    media: str = "image/png",
    label: str = "cawg.training-mining",
    remote: str | None = None,
) -> tuple[bytes, bytes]:
    """The content with a manifest that says these uses (`{"ai_training": "notAllowed"}`), and the manifest itself.
    `remote`: the manifest is not embedded but said to lie there."""
    import c2pa

    prefix = label.split(".")[0]
    entries = {f"{prefix}.{name}": {"use": use} for name, use in uses.items()}
    manifest: dict[str, Any] = {
        "claim_generator_info": [{"name": "test", "version": "1"}], "title": "x", "format": media,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [_BORN]}}],
    }  # fmt: skip
    if uses:
        manifest["assertions"].append({"label": label, "data": {"entries": entries}})
    builder, out = c2pa.Builder(json.dumps(manifest)), io.BytesIO()
    if remote:
        builder.set_no_embed()
        builder.set_remote_url(remote)
    store = builder.sign(_signer(), media, io.BytesIO(png() if content is None else content), out)
    return out.getvalue(), bytes(store)


@lru_cache(maxsize=1)
def _signer() -> Any:
    import c2pa
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = [_certificate("leaf", leaf, root, ca=False), _certificate("root", root, root, ca=True)]
    pem = b"".join(c.public_bytes(form.Encoding.PEM) for c in chain)
    key = leaf.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return c2pa.Signer.from_info(c2pa.C2paSignerInfo(alg=b"es256", sign_cert=pem, private_key=key, ta_url=None))


def _certificate(name: str, own: Any, signs: Any, *, ca: bool) -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(common: str) -> x509.Name:
        organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "test")
        return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common)])

    usage = x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)
    made = (
        x509.CertificateBuilder().subject_name(named(name)).issuer_name(named("root")).public_key(own.public_key())
        .serial_number(7).not_valid_before(_FROM).not_valid_after(_FROM + timedelta(days=9000))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), True).add_extension(usage, True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signs.public_key()), False)
    )  # fmt: skip
    if not ca:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    return made.sign(signs, hashes.SHA256())
