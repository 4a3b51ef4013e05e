"""Documents that clients name instead of sending them: trusted ones out of a manifest, and persisted queries.

A manifest is what graphql-codegen's client preset writes as persisted-documents.json: documents by their hashes. With
automatic persisted queries, a client sends a document once, together with its SHA-256, and only the hash from then on.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from shop_graphql.api.bad_request import (
    DOCUMENT_NOT_FOUND,
    DOCUMENT_NOT_TRUSTED,
    PERSISTED_QUERY_MISMATCH,
    PERSISTED_QUERY_NOT_FOUND,
    PERSISTED_QUERY_NOT_SUPPORTED,
    BadRequest,
)
from shop_graphql.compiler.cache import Cache
from shop_graphql.errors import StartupError
from shop_graphql.settings import Settings

MAX_BYTES = 8 * 2**20
PER_DOCUMENT = 500

_SHA256 = re.compile(r"[0-9a-f]{64}")


class NamedDocuments:
    """Finds the document that a request names. Raises StartupError for what is no manifest."""

    def __init__(self, settings: Settings) -> None:
        path = settings.trusted_documents
        self._trusted = {} if path is None else read_manifest(path)
        self._texts = frozenset(self._trusted.values()) if settings.trusted_documents_only else None
        self._sent: Cache[str, str] | None = Cache(MAX_BYTES) if settings.persisted_queries else None

    def find(self, parameters: Mapping[str, Any]) -> Any:
        """Return the document, or whatever a request has in its place. Raises BadRequest."""
        query, id, extensions = (parameters.get(key) for key in ("query", "documentId", "extensions"))
        persisted = extensions.get("persistedQuery") if type(extensions) is dict else None
        if id is not None:
            query = self._named(id, query)
        elif persisted is not None:
            query = self._persisted(persisted, query)
        if self._texts is not None and type(query) is str and query not in self._texts:
            message = "This server carries out the documents that it knows, and no others; name one by documentId."
            raise BadRequest(message, 403, DOCUMENT_NOT_TRUSTED)
        return query

    def _named(self, id: Any, query: Any) -> str:
        if type(id) is not str or query is not None:
            raise BadRequest("documentId must be a string, and stand in place of query.")
        known = self._trusted.get(id) or self._trusted.get(id.rpartition(":")[2])
        if known is None:
            raise BadRequest("The server knows no document of this documentId.", code=DOCUMENT_NOT_FOUND)
        return known

    def _persisted(self, persisted: Any, query: Any) -> str:
        digest = persisted.get("sha256Hash") if type(persisted) is dict else None
        if type(digest) is not str or persisted.get("version") != 1:
            raise BadRequest("persistedQuery must have version 1 and a sha256Hash.")
        if query is None:
            return self._remembered(digest)
        if type(query) is not str or hashlib.sha256(query.encode()).hexdigest() != digest:
            message = "sha256Hash is not the SHA-256 of the document."
            raise BadRequest(message, code=PERSISTED_QUERY_MISMATCH)
        if self._sent is not None:
            self._sent.put(digest, query, PER_DOCUMENT + 4 * len(query))
        return query

    def _remembered(self, digest: str) -> str:
        known = self._trusted.get(digest)
        if known is None and self._sent is None:
            raise BadRequest("PersistedQueryNotSupported", code=PERSISTED_QUERY_NOT_SUPPORTED)
        if known is None and self._sent is not None:
            known = self._sent.get(digest)
        if known is None:
            raise BadRequest("PersistedQueryNotFound", code=PERSISTED_QUERY_NOT_FOUND)
        return known


def read_manifest(path: Path) -> dict[str, str]:
    """Return the documents of a manifest by their hashes. Raises StartupError."""
    where = f"SHOP_TRUSTED_DOCUMENTS: {path}"
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise StartupError(f"{where} cannot be read: {error.strerror}.") from None
    except orjson.JSONDecodeError:
        raise StartupError(f"{where} is not JSON.") from None
    if not isinstance(content, dict) or not all(isinstance(text, str) and text for text in content.values()):
        raise StartupError(f"{where} must be an object of documents by their hashes.")
    for id, text in content.items():
        if _SHA256.fullmatch(id) and hashlib.sha256(text.encode()).hexdigest() != id:
            raise StartupError(f"{where}: {id} is not the hash of its document.")
    return content
