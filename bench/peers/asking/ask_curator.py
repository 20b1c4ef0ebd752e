"""bespokelabs-curator: an LLM with response_format over one dataset, its `openai` backend, rate limits out of the way.

Its token counter fetches a table from the network; litellm, which it installs, has the same table in its wheel.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

os.environ.update(
    TIKTOKEN_CACHE_DIR=str(Path(find_spec("litellm").origin).parent / "litellm_core_utils" / "tokenizers"),
    TELEMETRY_ENABLED="false", CURATOR_DISABLE_CACHE="true", CURATOR_DISABLE_RICH_DISPLAY="1",
    CURATOR_CACHE_DIR=str(Path.cwd() / "curator"), OPENAI_API_KEY="none", HF_HUB_OFFLINE="1")

from bespokelabs import curator
from job import PLENTY, TIMEOUT, Job, Verdict


class Reviewer(curator.LLM):
    """One verdict a row."""

    response_format = Verdict

    def prompt(self, row: dict) -> list[dict]:
        return [{"role": "system", "content": row["system"]}, {"role": "user", "content": row["user"]}]

    def parse(self, row: dict, response: Verdict) -> dict:
        return {"answer": response.model_dump_json()}


if __name__ == "__main__":  # it starts processes for the data set
    job = Job()
    params = {"base_url": job.url, "api_key": "none", "max_requests_per_minute": PLENTY,
              "max_tokens_per_minute": PLENTY, "max_concurrent_requests": job.in_flight,
              "require_all_responses": False}
    if job.storm:
        # It does not read Retry-After, and would pause 10 s at each 429; the server asks for 1.
        params |= {"request_timeout": TIMEOUT, "seconds_to_pause_on_rate_limit": 1}
    reviewer = Reviewer(model_name="m", backend="openai", response_format=Verdict, backend_params=params)
    answers = reviewer([{"system": ask.system, "user": ask.user} for ask in job.asks])
    for row in answers.dataset:
        job.got(row["answer"])
    for _ in range(len(job.asks) - len(answers.dataset)):
        job.lost("no row for it in the data set")
    job.report()
    sys.exit(0)
