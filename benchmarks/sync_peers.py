"""The peers of the sync benchmark: what else reads a year of one school from the same stand-in."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from mis_bridge.io.http import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUPILS = 1000
PER_PAGE = 1000
AS_OF = datetime(2027, 7, 31, 12, tzinfo=UTC)
LISTS = (
    "students/?include=education_details,extended_details,year,registration&",
    "attendance-codes/?",
    "attendance/session/?updated_after=2026-07-18 00:00:00&",
)


@contextmanager
def standin(as_of: datetime = AS_OF, pupils: int = PUPILS) -> Iterator[dict[str, str]]:
    """Run the stand-in in a process of its own; give where it is."""
    command = ["-m", "mis_bridge.simulator.standin_wonde", "--pupils", str(pupils)]
    process = subprocess.Popen(
        [sys.executable, *command, "--as-of", as_of.isoformat()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.communicate()


def addresses(place: dict[str, str]) -> list[str]:
    """The first pages of the lists that a first load reads."""
    base = f"{place['url']}/schools/{place['school']}"
    return [f"{base}/{query}cursor=true&per_page={PER_PAGE}" for query in LISTS]


def bare_loop(place: dict[str, str]) -> tuple[float, float, int]:
    """Read every page and throw it away; give seconds, processor seconds and session marks."""
    marks = 0
    gc.collect()
    began, worked = time.perf_counter(), time.process_time()
    headers = {"Authorization": f"Bearer {place['token']}", "Accept": "application/json"}
    with httpx.Client(headers=headers, timeout=30) as client:
        for address in addresses(place):
            following = address
            while following:
                page = orjson.loads(client.get(following).raise_for_status().content)
                if "attendance/session" in address:
                    marks += len(page["data"])
                following = page["meta"]["pagination"]["next"]
    return time.perf_counter() - began, time.process_time() - worked, marks


def transfer_alone(place: dict[str, str]) -> tuple[float, float]:
    """Fetch the same pages with the program's own transport and look at none of the records."""

    async def fetch() -> tuple[float, float]:
        headers = {"Authorization": f"Bearer {place['token']}", "Accept": "application/json"}
        async with Transport() as transport:
            gc.collect()
            began, worked = time.perf_counter(), time.process_time()
            for address in addresses(place):
                following = address
                while following:
                    answer = await transport.request("GET", following, headers=headers)
                    # The envelope's end, without the records before it.
                    _, _, meta = answer.body.rpartition(b'"meta":')
                    following = orjson.loads(meta[:-1])["pagination"]["next"]
            return time.perf_counter() - began, time.process_time() - worked

    return asyncio.run(fetch())


def dlt_into_duckdb(place: dict[str, str], folder: Path) -> tuple[float, int]:
    """Load the same lists with dlt's REST API source into DuckDB; give seconds and marks."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    import dlt
    from dlt.sources.rest_api import rest_api_source

    def resource(name: str, query: str) -> dict[str, Any]:
        path, _, parameters = query.partition("?")
        params = dict(pair.split("=", 1) for pair in parameters.split("&") if pair)
        return {
            "name": name,
            "primary_key": "id",
            "write_disposition": "replace",
            "endpoint": {
                "path": path,
                "params": params | {"cursor": "true", "per_page": PER_PAGE},
                "data_selector": "data",
                "paginator": {"type": "json_link", "next_url_path": "meta.pagination.next"},
            },
        }

    resources: list[Any] = [
        resource(name, query)
        for name, query in zip(("pupils", "codes", "sessions"), LISTS, strict=True)
    ]
    gc.collect()
    began = time.perf_counter()
    source = rest_api_source(
        {
            "client": {
                "base_url": f"{place['url']}/schools/{place['school']}/",
                "auth": {"type": "bearer", "token": place["token"]},
            },
            "resources": resources,
        }
    )
    pipeline = dlt.pipeline(
        "school_year",
        destination=dlt.destinations.duckdb(str(folder / "year.duckdb")),
        dataset_name="registers",
        pipelines_dir=str(folder / "pipelines"),
    )
    pipeline.run(source)
    spent = time.perf_counter() - began
    with pipeline.sql_client() as client:
        rows = client.execute_sql("SELECT count(*) FROM sessions") or [[0]]
    return spent, int(rows[0][0])
