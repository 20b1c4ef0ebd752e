"""inspect-ai: a task of one generate() with response_schema and a scorer that validates; logs to a temporary folder."""

import os
from pathlib import Path

os.environ.update(OPENAI_API_KEY="none", INSPECT_CACHE_DIR=str(Path.cwd() / "cache"))

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig, ResponseSchema, get_model
from inspect_ai.scorer import Score, Target, accuracy, scorer
from inspect_ai.solver import TaskState, generate
from inspect_ai.util import json_schema
from job import TIMEOUT, Job, Verdict

job = Job()


@scorer(metrics=[accuracy()])
def valid():
    async def score(state: TaskState, target: Target) -> Score:
        before = job.good
        job.got(state.output.completion)
        return Score(value="C" if job.good > before else "I")

    return score


config = GenerateConfig(response_schema=ResponseSchema(name="verdict", json_schema=json_schema(Verdict)),
                        max_connections=job.in_flight, cache=False,
                        attempt_timeout=TIMEOUT if job.storm else None, max_retries=10 if job.storm else None)
model = get_model("openai/m", base_url=job.url, api_key="none", config=config, responses_api=False)
samples = [Sample(input=[ChatMessageSystem(content=ask.system), ChatMessageUser(content=ask.user)])
           for ask in job.asks]
task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=valid())
(log,) = eval(task, model=model, display="none", log_dir="logs", fail_on_error=False, max_samples=job.in_flight)
for sample in log.samples or []:
    if sample.error:
        job.lost(sample.error.message)
job.report()
