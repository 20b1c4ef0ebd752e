"""instructor over the openai client, in its default mode (a forced tool); three tries for an invalid answer.

The openai client below it keeps its own default of two retries for 429, 5xx and broken connections.
"""

import asyncio

import instructor
from job import TIMEOUT, Ask, Job, Verdict
from openai import AsyncOpenAI

job = Job()
plain = AsyncOpenAI(base_url=job.url, api_key="none", timeout=TIMEOUT if job.storm else 120)
client = instructor.from_openai(plain)


async def ask_one(ask: Ask) -> Verdict:
    return await client.chat.completions.create(
        model="m", messages=ask.messages, response_model=Verdict, max_retries=3)


asyncio.run(job.run(ask_one))
job.report()
