"""Ed25519 signatures under a manifest's root, and the key they are made with."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from corpusgate.errors import UserError
from corpusgate.settings.place import Place

KEY_VARIABLE = "CORPUSGATE_SIGNING_KEY"


def sign(place: Place, manifest_root: str) -> dict[str, Any]:
    """`manifest_root, key_id, public_key, signature` (hex) and whether the key is the installation's `demo` key.

    The key (32 bytes in hex) is that of the environment's CORPUSGATE_SIGNING_KEY, else `var/keys/signing.key`, made on
    first use and readable by its owner alone: good for trying out, and said to be a demo key wherever it shows.

    Raises:
        UserError: the given key is not one.
    """
    key, demo = _private_key(place)
    public = key.public_key().public_bytes_raw()
    return {
        "algorithm": "ed25519", "manifest_root": manifest_root, "key_id": key_id(public), "public_key": public.hex(),
        "signature": key.sign(bytes.fromhex(manifest_root)).hex(), "demo": demo,
    }  # fmt: skip


def key_id(public: bytes) -> str:
    """Name of a key: the first 16 hex of the SHA-256 of its public half."""
    return hashlib.sha256(public).hexdigest()[:16]


def verifies(signed: dict[str, Any], manifest_root: str) -> bool:
    """Whether the signature is one of this root by the key that it names."""
    try:
        public = bytes.fromhex(signed["public_key"])
        signature, message = bytes.fromhex(signed["signature"]), bytes.fromhex(manifest_root)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError, KeyError, TypeError):
        return False
    return key_id(public) == signed.get("key_id")


def _private_key(place: Place) -> tuple[Ed25519PrivateKey, bool]:
    given = os.environ.get(KEY_VARIABLE)
    if given:
        return _from_hex(given, f"The environment's {KEY_VARIABLE}"), False
    path = place.var / "keys" / "signing.key"
    if not path.exists():
        _make(path)
    return _from_hex(path.read_text("ascii", errors="replace"), str(path)), True


def _from_hex(text: str, where: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text.strip()))
    except ValueError:
        raise UserError(
            f"{where} is not a signing key: 32 bytes in hex are needed, for example what `openssl rand -hex 32` prints."
        ) from None


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(Ed25519PrivateKey.generate().private_bytes_raw().hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)  # fails where another process has made it meanwhile, unlike a rename
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
