"""Documents that clients name: trusted ones of a manifest, and automatic persisted queries."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from shop_graphql.api.trusted import NamedDocuments, read_manifest
from shop_graphql.errors import StartupError
from shop_graphql.settings import Settings
from tests.compiler.conftest import served
from tests.conftest import SECRET

PRODUCT = "query Product($id: ID!) { product(id: $id) { __typename id } }"
ARCHIVE = 'mutation { archiveProduct(input: {productId: "prod_1"}) { __typename } }'
OTHER = "{ __typename }"
ANSWER = {"data": {"__typename": "Query"}}
NOTHING = {"data": {"product": None}}

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": sha256(OTHER)}}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """As graphql-codegen writes it; its hashes are SHA-1 unless it is told otherwise."""
    path = tmp_path / "persisted-documents.json"
    path.write_text(json.dumps({hashlib.sha1(PRODUCT.encode()).hexdigest(): PRODUCT, sha256(ARCHIVE): ARCHIVE}))
    return path


@pytest.fixture
def serve(database_url: str, empty_shop: None) -> Serve:
    @asynccontextmanager
    async def serve(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
        async with served(Settings(database_url=database_url, secrets=SECRET, **settings)) as (_, http):
            yield http

    return serve


async def post(http: httpx.AsyncClient, **body: Any) -> Any:
    response = await http.post("/graphql", json=body)
    content = response.json()
    return content if "data" in content else content["errors"][0]["extensions"]["code"]


ID = hashlib.sha1(PRODUCT.encode()).hexdigest()


@pytest.mark.parametrize("id", [ID, f"sha1:{ID}"])
async def test_a_document_of_the_manifest_is_named_by_its_hash(serve: Serve, manifest: Path, id: str) -> None:
    async with serve(trusted_documents=manifest) as http:
        assert await post(http, documentId=id, variables={"id": "prod_1"}) == NOTHING
        parameters = {"documentId": id, "variables": '{"id": "prod_1"}', "operationName": "Product"}
        assert (await http.get("/graphql", params=parameters)).json() == NOTHING
        hashed = {"persistedQuery": {"version": 1, "sha256Hash": sha256(ARCHIVE)}}
        assert await post(http, extensions=hashed) == "UNAUTHENTICATED"
        by_get = await http.get("/graphql", params={"documentId": sha256(ARCHIVE)})
        assert (by_get.status_code, by_get.headers["allow"]) == (405, "POST")
        assert await post(http, query=OTHER) == ANSWER


async def test_an_unknown_name_is_told_apart_from_what_is_no_name(serve: Serve, manifest: Path) -> None:
    async with serve(trusted_documents=manifest) as http:
        for id in ("", "a", f"sha256:{sha256(OTHER)}"):
            assert await post(http, documentId=id) == "DOCUMENT_NOT_FOUND"
        no_names: list[Any] = [1, [], {}, True]
        for bad in no_names:
            assert await post(http, documentId=bad) == "BAD_REQUEST"
        assert await post(http, documentId=ID, query=OTHER) == "BAD_REQUEST"
        for accept, status in (("application/json", 200), ("application/graphql-response+json", 400)):
            response = await http.post("/graphql", json={"documentId": "a"}, headers={"accept": accept})
            assert response.status_code == status


async def test_only_trusted_documents_are_carried_out_when_that_is_wanted(serve: Serve, manifest: Path) -> None:
    async with serve(trusted_documents=manifest, trusted_documents_only=True, persisted_queries=True) as http:
        assert await post(http, documentId=ID, variables={"id": "prod_1"}) == NOTHING
        assert await post(http, query=PRODUCT, variables={"id": "prod_1"}) == NOTHING
        assert await post(http, query=OTHER) == "DOCUMENT_NOT_TRUSTED"
        assert await post(http, query=OTHER, extensions=PERSISTED) == "DOCUMENT_NOT_TRUSTED"
        assert await post(http, query=PRODUCT + " ") == "DOCUMENT_NOT_TRUSTED"
        assert await post(http, query=[]) == "BAD_REQUEST"
        assert (await http.get("/graphql", params={"query": OTHER})).status_code == 403


async def test_a_persisted_query_is_sent_once_and_named_from_then_on(serve: Serve) -> None:
    async with serve(persisted_queries=True) as http:
        assert await post(http, extensions=PERSISTED) == "PERSISTED_QUERY_NOT_FOUND"
        assert await post(http, query=OTHER, extensions=PERSISTED) == ANSWER
        assert await post(http, extensions=PERSISTED) == ANSWER
        assert (await http.get("/graphql", params={"extensions": json.dumps(PERSISTED)})).json() == ANSWER
        error = (
            await http.post(
                "/graphql",
                json={"extensions": {"persistedQuery": {**PERSISTED["persistedQuery"], "sha256Hash": "0" * 64}}},
            )
        ).json()["errors"][0]
        assert error["message"] == "PersistedQueryNotFound"  # what Apollo's client looks for


async def test_a_hash_that_is_another_documents_is_refused_and_keeps_nothing(serve: Serve) -> None:
    async with serve(persisted_queries=True) as http:
        assert await post(http, query=PRODUCT, extensions=PERSISTED) == "PERSISTED_QUERY_MISMATCH"
        assert await post(http, extensions=PERSISTED) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "persisted",
    [1, [], {}, {"version": 1}, {"version": 2, "sha256Hash": sha256(OTHER)}, {"version": 1, "sha256Hash": 1}],
)
async def test_what_is_no_persisted_query_is_refused(serve: Serve, persisted: Any) -> None:
    async with serve(persisted_queries=True) as http:
        assert await post(http, query=OTHER, extensions={"persistedQuery": persisted}) == "BAD_REQUEST"


async def test_by_default_nothing_that_clients_send_is_kept(serve: Serve) -> None:
    async with serve() as http:
        assert await post(http, extensions=PERSISTED) == "PERSISTED_QUERY_NOT_SUPPORTED"
        assert await post(http, query=OTHER, extensions=PERSISTED) == ANSWER
        assert await post(http, extensions=PERSISTED) == "PERSISTED_QUERY_NOT_SUPPORTED"
        assert await post(http, documentId=ID) == "DOCUMENT_NOT_FOUND"


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shop_graphql.api.trusted.MAX_BYTES", 10_000)
    documents = NamedDocuments(Settings(persisted_queries=True))
    for number in range(1000):
        text = f"{{ a{number} }}"
        hashed = {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}
        assert documents.find({"query": text, "extensions": hashed}) == text
    assert documents._sent is not None
    assert documents._sent.stats.bytes <= 10_000
    assert documents._sent.stats.entries < 20


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[]", "must be an object of documents by their hashes"),
        ('{"a": 1}', "must be an object of documents by their hashes"),
        (json.dumps({"0" * 64: OTHER}), "is not the hash of its document"),
    ],
)
def test_what_is_no_manifest_is_told_at_the_start(tmp_path: Path, content: str | None, complaint: str) -> None:
    path = tmp_path / "documents.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(StartupError, match=f"^SHOP_TRUSTED_DOCUMENTS: .*{complaint}"):
        read_manifest(path)


def test_only_trusted_documents_needs_a_manifest() -> None:
    with pytest.raises(ValueError, match="needs SHOP_TRUSTED_DOCUMENTS"):
        Settings(trusted_documents_only=True)
