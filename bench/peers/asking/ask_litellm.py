"""litellm: `acompletion` with the pydantic model as response_format; its own retries in the storm."""

import asyncio
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from job import TIMEOUT, Ask, Job, Verdict

litellm.suppress_debug_info = True
job = Job()


async def ask_one(ask: Ask) -> str | None:
    response = await litellm.acompletion(
        model="openai/m", api_base=job.url, api_key="none", messages=ask.messages, response_format=Verdict,
        timeout=TIMEOUT if job.storm else 120, num_retries=3 if job.storm else 0)
    return response.choices[0].message.content


asyncio.run(job.run(ask_one))
job.report()
