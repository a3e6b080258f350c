"""Signs finished pictures and videos: who made them, with what, and that a model had a hand in it.

The signature is a manifest of the Coalition for Content Provenance and Authenticity (`C2PA`_).
Unlike the XMP mark it shows who made the file, and whether it was changed afterwards.

.. _C2PA: https://spec.c2pa.org/
"""

import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lib.errors import FaceswapError
from lib.files import replacing
from lib.media.mark import SOURCE_TYPE, creator_tool, encode_picture

FORMATS = frozenset({".gif", ".jpeg", ".jpg", ".m4v", ".mov", ".mp4", ".png", ".webp"})
"""Suffixes of the files that can be signed."""

_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


class Credentials:
    """A certificate and its key. Both are tried at once, before there is anything to lose.

    Parameters
    ----------
    certificate
        PEM file with the signer's certificate first and then those that vouch for it. C2PA asks for
        one whose key usage is digital signature and whose extended key usage is, for instance,
        e-mail protection.
    key
        PEM file with the private key in PKCS#8, not encrypted: on a NIST curve, Ed25519 or RSA.

    Raises
    ------
    FaceswapError
        c2pa-python is not installed, a file can't be read, or they are not fit to sign with.
    """

    def __init__(self, certificate: str | Path, key: str | Path) -> None:
        try:
            import c2pa
        except ImportError:
            raise FaceswapError(
                'signing needs c2pa-python: pip install "faceswap-train[c2pa]"'
            ) from None
        self._c2pa = c2pa
        self._chain, self._key = _read(certificate), _read(key)
        self._algorithm = _algorithm(self._chain, Path(certificate))
        trial = encode_picture(np.zeros((8, 8, 3), np.uint8), ".png")
        try:
            self._sign(BytesIO(trial), BytesIO(), "png", "trial")
        except c2pa.C2paError as error:
            raise FaceswapError(
                f"can't sign with certificate '{certificate}' and key '{key}': {error}; C2PA asks "
                "for the key that belongs to it and for a certificate that is made for signing"
            ) from error

    def sign(self, path: Path, title: str) -> None:
        """Sign a file: it is replaced by one that holds the manifest, or stays as it was.

        Parameters
        ----------
        path
            The file.
        title
            Its name, for the manifest and for messages.

        Raises
        ------
        FaceswapError
            Files of this kind can't be signed, or it can't be read or written.
        """
        check_signable(path)
        try:
            with replacing(path) as signed, path.open("rb") as source, signed.open("w+b") as target:
                self._sign(source, target, path.suffix.lower()[1:], title)
        except self._c2pa.C2paError as error:
            raise FaceswapError(f"can't sign '{title}': {error}") from error

    def _sign(self, source: BinaryIO, target: BinaryIO, kind: str, title: str) -> None:
        info = self._c2pa.C2paSignerInfo(self._algorithm, self._chain, self._key, None)
        with (
            self._c2pa.Signer.from_info(info) as signer,
            self._c2pa.Builder.from_json(json.dumps(_manifest(title))) as builder,
        ):
            builder.sign(signer, kind, source, target)


def check_signable(path: Path) -> None:
    """Refuse a file of a kind that can't hold a manifest.

    Raises
    ------
    FaceswapError
        Naming those that can.
    """
    if path.suffix.lower() not in FORMATS:
        raise FaceswapError(
            f"'{path}' can't be signed: C2PA has no place in '{path.suffix}' files; write "
            f"{', '.join(sorted(FORMATS))}"
        )


def _manifest(title: str) -> dict[str, Any]:
    name, _, version = creator_tool().partition(" ")
    action = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE}
    return {
        "title": title,
        "claim_generator_info": [{"name": name, "version": version or "unknown"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FaceswapError(f"can't read '{path}': {error.strerror}") from error


def _algorithm(chain: bytes, path: Path) -> str:
    """C2PA's name of the algorithm that a certificate's key signs with."""
    from cryptography import x509  # comes with c2pa-python
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        certificate = x509.load_pem_x509_certificate(chain)
    except ValueError as error:
        raise FaceswapError(f"'{path}' holds no certificate in PEM that can be read") from error
    _check_dates(certificate.not_valid_before_utc, certificate.not_valid_after_utc, path)
    match certificate.public_key():
        case ec.EllipticCurvePublicKey(curve=curve) if curve.name in _CURVES:
            return _CURVES[curve.name]
        case ed25519.Ed25519PublicKey():
            return "ed25519"
        case rsa.RSAPublicKey():
            return "ps256"
    raise FaceswapError(
        f"'{path}': C2PA can't sign with a key of its kind: use P-256, for instance"
    )


def _check_dates(begin: datetime, end: datetime, path: Path) -> None:
    if not begin <= datetime.now(UTC) <= end:
        raise FaceswapError(
            f"certificate '{path}' is valid from {begin:%Y-%m-%d} to {end:%Y-%m-%d} and not today: "
            "renew it, or set the clock"
        )
