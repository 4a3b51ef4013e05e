"""What can be wrong with a request before it comes to a document: a status, a code and a sentence for the client."""

from typing import Any

BAD_REQUEST = "BAD_REQUEST"
BATCHING_UNSUPPORTED = "BATCHING_UNSUPPORTED"
BODY_TIMEOUT = "BODY_TIMEOUT"
BODY_TOO_LARGE = "BODY_TOO_LARGE"
DUPLICATE_KEY = "DUPLICATE_KEY"
EMPTY_BODY = "EMPTY_BODY"
ENCODING_UNSUPPORTED = "CONTENT_ENCODING_UNSUPPORTED"
INVALID_JSON = "INVALID_JSON"
INVALID_UTF8 = "INVALID_UTF8"
JSON_TOO_DEEP = "JSON_TOO_DEEP"
MEDIA_TYPE_UNSUPPORTED = "MEDIA_TYPE_UNSUPPORTED"
METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
RATE_LIMITED = "RATE_LIMITED"

MEANINGS = {
    BAD_REQUEST: "The request is not GraphQL over HTTP.",
    BATCHING_UNSUPPORTED: "The body is a list of operations; each needs a request of its own.",
    BODY_TIMEOUT: "The body took too long to arrive.",
    BODY_TOO_LARGE: "The body has more bytes than the server takes.",
    DUPLICATE_KEY: "A JSON object has a key twice, or a URL a parameter.",
    EMPTY_BODY: "The request has no body.",
    ENCODING_UNSUPPORTED: "The body is compressed.",
    INVALID_JSON: "What should be JSON is none.",
    INVALID_UTF8: "What should be UTF-8 is none.",
    JSON_TOO_DEEP: "Lists and objects are nested deeper than the server takes.",
    MEDIA_TYPE_UNSUPPORTED: "The body is not application/json.",
    METHOD_NOT_ALLOWED: "The method is none that this operation can be asked by.",
    NOT_ACCEPTABLE: "The client accepts no media type that the server answers in.",
    RATE_LIMITED: "Much was asked for in a short time: ask again after `retryAfter` seconds.",
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
