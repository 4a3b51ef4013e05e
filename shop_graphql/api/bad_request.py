"""What can be wrong with a request before it comes to a document: a status, a code and a sentence for the client."""

from typing import Any

BAD_REQUEST = "BAD_REQUEST"
BATCHING_UNSUPPORTED = "BATCHING_UNSUPPORTED"
BODY_TIMEOUT = "BODY_TIMEOUT"
BODY_TOO_LARGE = "BODY_TOO_LARGE"
DOCUMENT_NOT_FOUND = "DOCUMENT_NOT_FOUND"
DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
DUPLICATE_KEY = "DUPLICATE_KEY"
EMPTY_BODY = "EMPTY_BODY"
ENCODING_UNSUPPORTED = "CONTENT_ENCODING_UNSUPPORTED"
INVALID_JSON = "INVALID_JSON"
INVALID_UTF8 = "INVALID_UTF8"
JSON_TOO_DEEP = "JSON_TOO_DEEP"
MEDIA_TYPE_UNSUPPORTED = "MEDIA_TYPE_UNSUPPORTED"
METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
PERSISTED_QUERY_MISMATCH = "PERSISTED_QUERY_MISMATCH"
PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
PREFLIGHT_REQUIRED = "PREFLIGHT_REQUIRED"
RATE_LIMITED = "RATE_LIMITED"
SUBSCRIPTION_TRANSPORT = "SUBSCRIPTION_TRANSPORT"
TOO_MANY_CONNECTIONS = "TOO_MANY_CONNECTIONS"

MEANINGS = {
    BAD_REQUEST: "The request is not GraphQL over HTTP.",
    BATCHING_UNSUPPORTED: "The body is a list of operations; each needs a request of its own.",
    BODY_TIMEOUT: "The body took too long to arrive.",
    BODY_TOO_LARGE: "The body has more bytes than the server takes.",
    DOCUMENT_NOT_FOUND: "The server knows no document of this `documentId`.",
    DOCUMENT_NOT_TRUSTED: "The server carries out the documents that it knows, and no others.",
    DUPLICATE_KEY: "A JSON object has a key twice, or a URL a parameter.",
    EMPTY_BODY: "The request has no body.",
    ENCODING_UNSUPPORTED: "The body is compressed.",
    INVALID_JSON: "What should be JSON is none.",
    INVALID_UTF8: "What should be UTF-8 is none.",
    JSON_TOO_DEEP: "Lists and objects are nested deeper than the server takes.",
    MEDIA_TYPE_UNSUPPORTED: "The body is not application/json.",
    METHOD_NOT_ALLOWED: "The method is none that this operation can be asked by.",
    NOT_ACCEPTABLE: "The client accepts no media type that the server answers in.",
    PERSISTED_QUERY_MISMATCH: "`sha256Hash` is not the hash of the document sent with it.",
    PERSISTED_QUERY_NOT_FOUND: "The server does not know the document: send it, together with its hash.",
    PERSISTED_QUERY_NOT_SUPPORTED: "The server keeps no documents that clients send: send the document.",
    PREFLIGHT_REQUIRED: "The request may come from a page of another origin, without the browser having asked.",
    RATE_LIMITED: "Much was asked for in a short time: ask again after `retryAfter` seconds.",
    SUBSCRIPTION_TRANSPORT: "A subscription needs graphql-transport-ws, or to accept text/event-stream.",
    TOO_MANY_CONNECTIONS: "The address, or the user, has as many streams open as there may be.",
}
"""Every code, and what it tells a client."""


class BadRequest(Exception):
    """A request that is refused as a whole. `facts` stand beside the code in the error's extensions."""

    def __init__(
        self, message: str, status: int = 400, code: str = BAD_REQUEST, *, facts: Any = (), **headers: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.facts = dict(facts)
        self.headers = headers

    def error(self) -> dict[str, Any]:
        """Return the error as it is sent."""
        return {"message": str(self), "extensions": {"code": self.code, **self.facts}}
