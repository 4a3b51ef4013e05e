"""The issuer's process as a test sees it, and what it signs."""

import subprocess
import sys
import time
from typing import Any

import httpx

from tests.auth.forging import Part

AUDIENCE = "shop"


class Provider:
    """The process of an issuer, and what it signs."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.auth.issuer"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.address = self.process.stdout.readline().strip()
        self.http = httpx.Client(base_url=self.address, trust_env=False, timeout=20)

    def control(self, **asked: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.post("/control", json=asked).json()
        return answer

    def fetches(self) -> int:
        count: int = self.control()["fetches"].get("jwks", 0)
        return count

    def key_id(self, name: str) -> str:
        return f"{name}-{self.control()['generation']}"

    def key(self, name: str) -> dict[str, Any]:
        (found,) = [key for key in self.http.get("/moved").json()["keys"] if key.get("kid") == self.key_id(name)]
        return dict(found)

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self.address, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 300, **changes}

    def sign(self, key: str, header: dict[str, Any], payload: Part | None = None) -> str:
        """Return a token signed by the provider's own key; a header of None is left out."""
        kid = self.key_id(key)
        named = {name: value for name, value in {"kid": kid, **header}.items() if value is not None}
        content = payload if isinstance(payload, str) else httpx.Response(200, json=payload or self.claims()).text
        return self.http.post("/sign", json={"key": kid, "header": named, "payload": content}).text

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def close(self) -> None:
        self.http.close()
        self.stop()
        assert self.process.stdout
        self.process.stdout.close()
