"""The limit: a bare aiohttp loop that validates each answer. No retries, no journal."""

import asyncio
import json

import aiohttp
from job import TIMEOUT, Ask, Job, Verdict

job = Job()
FORMAT = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": Verdict.model_json_schema()}}


async def main() -> None:
    timeout = aiohttp.ClientTimeout(total=TIMEOUT if job.storm else 120)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def ask_one(ask: Ask) -> str | None:
            body = {"model": "m", "messages": ask.messages, "response_format": FORMAT}
            async with session.post(f"{job.url}/chat/completions", json=body) as response:
                response.raise_for_status()
                said = json.loads(await response.read())
            return said["choices"][0]["message"]["content"]

        await job.run(ask_one)


asyncio.run(main())
job.report()
