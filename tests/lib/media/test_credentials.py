import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib.errors import FaceswapError
from lib.media.credentials import Credentials
from lib.media.mark import SOURCE_TYPE, creator_tool, mark_video, read_mark, write_picture
from lib.media.source import open_source
from tests.fixtures import clips

c2pa = pytest.importorskip("c2pa")
x509 = pytest.importorskip("cryptography.x509")

from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: E402

DAY = timedelta(days=1)


def name(common: str) -> Any:
    pairs = (NameOID.COMMON_NAME, common), (NameOID.ORGANIZATION_NAME, "Test studio")
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in pairs])


def certificate(subject: str, issuer: str, key: Any, days: tuple[int, int], is_root: bool) -> Any:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
    builder = builder.public_key(key).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now + days[0] * DAY).not_valid_after(now + days[1] * DAY)
    usage = x509.KeyUsage(not is_root, *[False] * 4, is_root, is_root, False, False)
    builder = builder.add_extension(x509.BasicConstraints(is_root, None), True)
    builder = builder.add_extension(usage, True)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)


@pytest.fixture
def chain(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Write a certificate that a root of its own vouches for, and its key."""

    def make(
        key: Any = None, days: tuple[int, int] = (-1, 30), *, is_for_signing: bool = True
    ) -> tuple[Path, Path]:
        root_key = ec.generate_private_key(ec.SECP256R1())
        key = key or ec.generate_private_key(ec.SECP256R1())
        root = certificate("Root", "Root", root_key.public_key(), (-400, 400), True)
        leaf = certificate("Signer", "Root", key.public_key(), days, False).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False
        )
        if is_for_signing:
            use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            leaf = leaf.add_extension(use, False)
        signed = [each.sign(root_key, hashes.SHA256()) for each in (leaf, root)]
        pem = serialization.Encoding.PEM
        paths = tmp_path / "chain.pem", tmp_path / "key.pem"
        paths[0].write_bytes(b"".join(each.public_bytes(pem) for each in signed))
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        paths[1].write_bytes(key.private_bytes(pem, *plain))
        return paths

    return make


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """State and manifest of a signed file, read by C2PA's own reader."""
    with path.open("rb") as file, c2pa.Reader(path.suffix[1:], file) as reader:
        store = json.loads(reader.json())
        return reader.get_validation_state(), store["manifests"][store["active_manifest"]]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".mp4"])
def test_a_signed_file_says_who_made_it_with_what(
    tmp_path: Path, chain: Callable[..., tuple[Path, Path]], suffix: str
) -> None:
    path = tmp_path / f"out{suffix}"
    if suffix == ".mp4":
        mark_video(clips.write_clip(path, 6, sound="aac"))
    else:
        write_picture(path, clips.picture(3))
    Credentials(*chain()).sign(path, "swap" + suffix)
    state, manifest = read(path)
    assert state == "Valid"
    assert manifest["title"] == "swap" + suffix
    assert manifest["signature_info"]["common_name"] == "Signer"
    generator = manifest["claim_generator_info"][0]
    assert f"{generator['name']} {generator['version']}" == creator_tool()
    actions = next(a for a in manifest["assertions"] if a["label"].startswith("c2pa.actions"))
    assert actions["data"]["actions"][0] == {
        "action": "c2pa.created",
        "digitalSourceType": SOURCE_TYPE,
    }
    assert read_mark(path) == SOURCE_TYPE
    shown = [clips.number_of(frame.image) for frame in open_source(path).frames()]
    assert shown == (list(range(6)) if suffix == ".mp4" else [3])
    assert not list(tmp_path.glob(".saving*"))


def test_a_change_after_signing_is_found(
    tmp_path: Path, chain: Callable[..., tuple[Path, Path]]
) -> None:
    path = clips.write_clip(tmp_path / "out.mp4", 6)
    Credentials(*chain()).sign(path, path.name)
    data = bytearray(path.read_bytes())
    data[data.index(b"mdat") + 200] ^= 1
    path.write_bytes(data)
    assert read(path)[0] == "Invalid"


@pytest.mark.parametrize("kind", ["p384", "ed25519", "rsa"])
def test_the_usual_kinds_of_keys_sign(
    tmp_path: Path, chain: Callable[..., tuple[Path, Path]], kind: str
) -> None:
    keys = {
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
    }
    write_picture(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    Credentials(*chain(keys[kind]())).sign(tmp_path / "a.png", "a.png")
    assert read(tmp_path / "a.png")[0] == "Valid"


def test_an_unfit_certificate_is_one_line(
    tmp_path: Path, chain: Callable[..., tuple[Path, Path]]
) -> None:
    def refusal(certificate: Path, key: Path) -> str:
        with pytest.raises(FaceswapError) as raised:
            Credentials(certificate, key)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    assert "not today: renew" in refusal(*chain(days=(-30, -2)))
    assert "not today" in refusal(*chain(days=(2, 30)))
    assert "made for signing" in refusal(*chain(is_for_signing=False))
    pem, key = chain()
    other = pem.rename(tmp_path / "other.pem")
    assert "belongs to it" in refusal(other, chain()[1])
    assert "no certificate" in refusal(key, key)
    assert "C2PA asks" in refusal(pem, pem)
    assert "can't read" in refusal(tmp_path / "absent.pem", key)
    curve = ec.generate_private_key(ec.SECP256K1())
    assert "key of its kind" in refusal(*chain(curve))


def test_files_that_hold_no_manifest_are_refused(
    tmp_path: Path, chain: Callable[..., tuple[Path, Path]]
) -> None:
    credentials = Credentials(*chain())
    with pytest.raises(FaceswapError, match=r"a\.mkv.*\.mp4"):
        credentials.sign(tmp_path / "a.mkv", "a.mkv")
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(FaceswapError, match=r"sign 'b\.png'"):
        credentials.sign(tmp_path / "a.png", "b.png")
    assert (tmp_path / "a.png").read_text() == "no picture"


def test_without_the_extra_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(FaceswapError, match=r'pip install "faceswap-train\[c2pa\]"'):
        Credentials(tmp_path / "a.pem", tmp_path / "b.pem")
