"""Full-text search: what a person types, as conditions on products.

Words must all occur, in whatever form, with or without accents; the last one may be unfinished. "Quoted words" must
follow each other, `or` separates alternatives, `-word` must not occur. Where nothing in the shop has those words,
products whose name looks like them are found instead.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Numeric,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    or_,
    select,
    text,
    true,
    type_coerce,
)

from shop_graphql.deferred import later, now
from shop_graphql.models import Product, SearchEntry
from shop_graphql.statements.filters import bind
from shop_graphql.text import is_storable

MAX_LENGTH = 200
MIN_SIMILAR = 4
"""Shorter words look like too many others."""
NEAREST = 0.75
"""Of the names that resemble the words, those are found that do so at least this much as the best of them."""

_TOKEN = re.compile(r'(-?)"([^"]*)"?|(\S+)')
_CONFIGURATION = text("'shop'::regconfig")
_products = Product.__table__
_entries = SearchEntry.__table__


@dataclass(frozen=True)
class Term:
    """A word, or words that follow each other; `prefix` when the last of them may go on."""

    text: str
    excluded: bool = False
    phrase: bool = False
    prefix: bool = False


def parse(query: str) -> list[list[Term]]:
    """Return the alternatives of `query`, each a list of terms; no alternatives for one that says nothing."""
    alternatives: list[list[Term]] = [[]]
    for minus, phrase, word in _TOKEN.findall(query):
        if word.lower() == "or":
            alternatives.append([])
        elif phrase:
            alternatives[-1].append(Term(phrase, excluded=bool(minus), phrase=True))
        elif bare := word.lstrip("-"):
            alternatives[-1].append(Term(bare, excluded=word.startswith("-")))
    found = [[term for term in terms if any(map(str.isalnum, term.text))] for terms in alternatives]
    found = [terms for terms in found if terms]
    if found and not query.endswith((" ", '"')) and not found[-1][-1].phrase:
        last = found[-1][-1]
        found[-1][-1] = Term(last.text, last.excluded, prefix=not last.excluded)
    return found


def _terms(query: str) -> list[list[Term]]:
    """Return the alternatives of a query that may be deferred: their form is known, the words then are not."""
    alternatives = later(parse, query)
    form = now(_form, alternatives)
    return [
        [Term(later(partial(_text, i, j), alternatives), *flags) for j, flags in enumerate(terms)]
        for i, terms in enumerate(form)
    ]


def _form(alternatives: list[list[Term]]) -> tuple[tuple[tuple[bool, bool, bool], ...], ...]:
    return tuple(tuple((term.excluded, term.phrase, term.prefix) for term in terms) for terms in alternatives)


def _text(alternative: int, term: int, alternatives: list[list[Term]]) -> str:
    return alternatives[alternative][term].text


def asks(query: str) -> bool:
    """Tell whether a query says anything: products are looked for, and nearly all of them may be found."""
    return now(is_storable, query) and bool(_terms(query))


def condition(query: str) -> ColumnElement[bool]:
    """Return the condition that a product is found by `query`. A query that says nothing finds everything.

    The products are found once for all uses of the same condition in a statement.
    """
    if not now(is_storable, query):
        return false()
    alternatives = _terms(query)
    if not alternatives:
        return true()
    exact = select(_entries.c.product_id).where(_has(alternatives)).cte()
    similar = (
        select(_entries.c.product_id, _likeness(alternatives).label("likeness"))
        .where(~exists(select(exact.c.product_id)), or_(false(), *map(_resembles, alternatives)))
        .cte()
    )
    least = NEAREST * select(func.max(similar.c.likeness)).scalar_subquery()
    nearest = select(similar.c.product_id).where(similar.c.likeness >= least)
    found = select(exact.c.product_id).union_all(nearest).cte()
    return _products.c.id.in_(select(found.c.product_id))


def relevance(query: str) -> ColumnElement[Any]:
    """Return how far a product is from `query`: negative, the less the better; cursors hold its six places."""
    alternatives = _terms(query) if now(is_storable, query) else []
    if not alternatives:
        return cast(0, Numeric)
    rank = 1 + func.ts_rank(_entries.c.words, _tsquery(alternatives))
    found = case((_has(alternatives), rank), else_=_likeness(alternatives))
    of_product = select(-func.round(cast(found, Numeric), 6)).where(_entries.c.product_id == _products.c.id)
    return type_coerce(of_product.correlate(_products).scalar_subquery(), Numeric)


def _has(alternatives: Sequence[Sequence[Term]]) -> ColumnElement[bool]:
    return _entries.c.words.bool_op("@@")(_tsquery(alternatives))


def _tsquery(alternatives: Sequence[Sequence[Term]]) -> ColumnElement[Any]:
    return _joined("||", [_joined("&&", [_term(term) for term in terms]) for terms in alternatives])


def _joined(operator: Literal["||", "&&"], queries: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
    return reduce(lambda left, right: left.op(operator)(right), queries)


def _term(term: Term) -> ColumnElement[Any]:
    if term.prefix:
        query = func.to_tsquery(_CONFIGURATION, bind(later(_unfinished, term.text), Text()))
    elif term.phrase:
        query = func.phraseto_tsquery(_CONFIGURATION, bind(term.text, Text()))
    else:
        query = func.plainto_tsquery(_CONFIGURATION, bind(term.text, Text()))
    return func.tsquery_not(query) if term.excluded else query


def _unfinished(word: str) -> str:
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"


def _likeness(alternatives: Sequence[Sequence[Term]]) -> ColumnElement[Any]:
    """Return how much a product's name has of the words, from 0 to 1: the best of the alternatives."""
    words = (func.shop_fold(bind(_words(terms), Text())) for terms in alternatives)
    return func.greatest(*(func.word_similarity(text, _entries.c.folded_name) for text in words))


def _resembles(terms: Sequence[Term]) -> ColumnElement[bool]:
    words = _words(terms)
    if now(lambda text: len(text) < MIN_SIMILAR, words):
        return false()
    likeness = func.shop_fold(bind(words, Text())).bool_op("<%")(_entries.c.folded_name)
    excluded = [_term(Term(term.text, phrase=term.phrase)) for term in terms if term.excluded]
    return and_(likeness, *(~_entries.c.words.bool_op("@@")(query) for query in excluded))


def _words(terms: Sequence[Term]) -> Any:
    return later(" ".join, [term.text for term in terms if not term.excluded])
