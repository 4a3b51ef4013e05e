"""Attacks on a server that counts costs, which the others are not to run out of."""

import asyncio
import json
from collections.abc import Sequence

from tests.attack.named.kinds import Attack, Scripted
from tests.attack.target import JSON, Reply, Target, judge

COSTLY = json.dumps({"query": "{ products(first: 100) { nodes { category { stats { totalValue } } } } }"}).encode()
MANY = 60
"""Requests of some twenty points each: more than an address's bucket holds."""


def _limited(replies: Sequence[Reply]) -> list[str]:
    complaints = [complaint for reply in replies for complaint in judge(reply)]
    refused = [reply for reply in replies if reply.status == 429]
    if not refused:
        complaints.append(f"{len(replies)} costly requests were all answered")
    for reply in refused:
        if reply.codes != ["RATE_LIMITED"] or int(reply.headers.get("retry-after", "0")) < 1:
            complaints.append(f"a refusal does not say when to ask again: {reply.headers} {reply.text}")
    return complaints


async def _flood(target: Target) -> list[str]:
    return _limited(await asyncio.gather(*(target.http(headers=JSON, body=COSTLY) for _ in range(MANY))))


async def _under_other_addresses(target: Target) -> list[str]:
    """Claim another address with each request; without a trusted proxy that must not count."""
    headers = [{**JSON, "x-forwarded-for": f"10.0.0.{n}", "x-real-ip": f"10.0.1.{n}"} for n in range(MANY)]
    return _limited(await asyncio.gather(*(target.http(headers=named, body=COSTLY) for named in headers)))


async def _new_documents(target: Target) -> list[str]:
    """Send documents that were never seen, since reading one takes longer than many an answer."""
    bodies = [json.dumps({"query": f"{{ a{n}: __typename }}"}).encode() for n in range(600)]
    return _limited(await asyncio.gather(*(target.http(headers=JSON, body=body) for body in bodies)))


async def _refused_ones(target: Target) -> list[str]:
    """Send what is refused anyway; that must cost something too."""
    bodies = [json.dumps({"query": f"{{ nobody{n} }}"}).encode() for n in range(600)]
    return _limited(await asyncio.gather(*(target.http(headers=JSON, body=body) for body in bodies)))


BUCKETS: Sequence[Attack] = [
    Scripted("bucket/flood", _flood),
    Scripted("bucket/under-other-addresses", _under_other_addresses),
    Scripted("bucket/new-documents", _new_documents),
    Scripted("bucket/refused-ones", _refused_ones),
]
COUNTING = {
    "SHOP_COST_PER_VIEWER": "1000/20seconds",
    "SHOP_COST_PER_ADDRESS": "500/20seconds",
    "FORWARDED_ALLOW_IPS": "192.0.2.1",
}
"""The environment of a server that they are meant for: the default settings, and no proxy on this machine."""
