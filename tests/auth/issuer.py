"""An identity provider in a process of its own: real keys, discovery, a key set, and the ways in which it can fail.

Run as `python -m tests.auth.issuer`; it prints its address.
"""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route


class Registry(JWSRegistry):
    """Signs with whatever is asked for."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


class Issuer:
    """The state: keys by id, those that are never to be used among them, what was fetched, how it fails."""

    def __init__(self, address: str) -> None:
        self.address = address
        # The same server by a name that is not known to be this machine's.
        self.elsewhere = address.replace("127.0.0.1", "0.0.0.0")
        self.generation = 0
        self.fetches: Counter[str] = Counter()
        self.failure = ""
        self.keys: dict[str, Key] = {}
        self.listed: list[dict[str, Any]] = []
        self.make_keys()

    def make_keys(self) -> None:
        """Replace all keys by new ones."""
        self.generation += 1
        weak = generate_private_key(65537, 1024)
        made: dict[str, Key] = {
            "rsa": RSAKey.generate_key(2048),
            "ec": ECKey.generate_key("P-256"),
            "ed": OKPKey.generate_key("Ed25519"),
            "oct": OctKey.generate_key(256),
            "enc": RSAKey.generate_key(2048),
            "p384": ECKey.generate_key("P-384"),
            "ed448": OKPKey.generate_key("Ed448"),
            "weak": RSAKey(weak, weak),
        }
        self.keys = {f"{name}-{self.generation}": key for name, key in made.items()}
        self.listed = [
            {**key.as_dict(private=name == "oct"), "kid": kid, **({"use": "enc"} if name == "enc" else {})}
            for (kid, key), name in zip(self.keys.items(), made, strict=True)
        ]
        # The provider publishes a key that cannot be read too, and what is no key at all.
        self.listed += [{"kty": "RSA", "kid": "bad"}, {}]


async def discovery(request: Request) -> Response:
    issuer: Issuer = request.app.state.issuer
    issuer.fetches["discovery"] += 1
    known = {
        "issuer": issuer.address + ("/other" if issuer.failure == "issuer" else ""),
        "jwks_uri": f"{issuer.elsewhere if issuer.failure == 'jwks_uri' else issuer.address}/jwks",
    }
    return JSONResponse(known)


async def jwks(request: Request) -> Response:
    issuer: Issuer = request.app.state.issuer
    issuer.fetches["jwks"] += 1
    # Long enough for whoever asks at the same time to be there.
    await asyncio.sleep(4 if issuer.failure == "slow" else 0.05)
    failures: dict[str, Callable[[], Awaitable[Response]]] = {
        "slow": _answer(Response(status_code=503)),
        "down": _answer(Response(status_code=503)),
        "redirect": _answer(RedirectResponse(f"{issuer.address}/moved")),
        "huge": _answer(JSONResponse({"keys": issuer.listed, "x": "x" * 1_000_000})),
        "compressed": _answer(JSONResponse({"keys": issuer.listed}, headers={"Content-Encoding": "gzip"})),
        "list": _answer(JSONResponse(issuer.listed)),
        "deep": _answer(Response("[" * 200_000, media_type="application/json")),
        "no keys": _answer(JSONResponse({"keys": None})),
    }
    return await failures.get(issuer.failure, _answer(JSONResponse({"keys": issuer.listed})))()


def _answer(response: Response) -> Callable[[], Awaitable[Response]]:
    async def answer() -> Response:
        return response

    return answer


async def moved(request: Request) -> Response:
    issuer: Issuer = request.app.state.issuer
    return JSONResponse({"keys": issuer.listed})


async def sign(request: Request) -> Response:
    """Sign any claims with any of the keys, under any header."""
    issuer: Issuer = request.app.state.issuer
    asked = await request.json()
    key = issuer.keys[asked["key"]]
    registry = Registry(strict_check_header=False)
    return Response(jws.serialize_compact(asked["header"], asked["payload"], key, registry=registry))


async def control(request: Request) -> Response:
    """Rotate keys or fail as told; say what was fetched."""
    issuer: Issuer = request.app.state.issuer
    asked = await request.json()
    if asked.get("rotate"):
        issuer.make_keys()
    issuer.failure = asked.get("failure", issuer.failure)
    return JSONResponse({"fetches": issuer.fetches, "generation": issuer.generation, "time": time.time()})


def main() -> None:
    """Serve on a free port of this machine until the process is ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", discovery),
                Route("/jwks", jwks),
                Route("/moved", moved),
                Route("/sign", sign, methods=["POST"]),
                Route("/control", control, methods=["POST"]),
            ]
        )
        app.state.issuer = Issuer(address)
        print(address, flush=True)  # noqa: T201
        uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off")).run(sockets=[listener])


if __name__ == "__main__":
    main()
