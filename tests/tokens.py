"""Tokens made by hand from RFC 7515 with `cryptography`, without the library that the authorizer verifies with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER, AUDIENCE = "https://issuer.example/pool", "shop"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(content: Any) -> str:
    return encoded(json.dumps(content).encode())


def number(value: int, size: int) -> str:
    return encoded(value.to_bytes(size, "big"))


def claims(user: str = "1517", **changes: Any) -> dict[str, Any]:
    """Those of a good token; a change to None leaves the claim out."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "exp": int(time.time()) + 600}
    return {name: value for name, value in (good | changes).items() if value is not None}


@dataclass(frozen=True)
class Rsa:
    kid: str = "r"
    private: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    @property
    def jwk(self) -> dict[str, Any]:
        public = self.private.public_key().public_numbers()
        size = self.private.key_size // 8
        return {
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": self.kid,
            "n": number(public.n, size),
            "e": "AQAB",
        }

    @property
    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def signed(self, text: str) -> bytes:
        return self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())

    def token(self, given: dict[str, Any] | None = None, **header: Any) -> str:
        return made(self, {"alg": "RS256", "kid": self.kid, "typ": "JWT", **header}, given)


@dataclass(frozen=True)
class Ec:
    kid: str = "e"
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def jwk(self) -> dict[str, Any]:
        at = self.private.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "kid": self.kid, "x": number(at.x, 32), "y": number(at.y, 32)}

    def signed(self, text: str) -> bytes:
        r, s = decode_dss_signature(self.private.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def token(self, given: dict[str, Any] | None = None, **header: Any) -> str:
        return made(self, {"alg": "ES256", "kid": self.kid, **header}, given)


def made(signer: Rsa | Ec, header: dict[str, Any], given: dict[str, Any] | None) -> str:
    """A value None leaves the header's member out."""
    kept = {name: value for name, value in header.items() if value is not None}
    text = f"{part(kept)}.{part(claims() if given is None else given)}"
    return f"{text}.{encoded(signer.signed(text))}"


def keyed(secret: bytes, header: dict[str, Any], given: dict[str, Any]) -> str:
    """HS256 with any secret, such as a public key."""
    text = f"{part(header)}.{part(given)}"
    return f"{text}.{encoded(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"
