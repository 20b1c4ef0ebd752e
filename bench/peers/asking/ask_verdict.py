"""haizelabs' verdict: a pipeline of one Unit over the assignments, one thread a call, its rate limiter off."""

from typing import Literal

from job import Because, Claim, Job, Point
from verdict import Pipeline
from verdict.core.primitive import Unit
from verdict.model import vLLMModel
from verdict.schema import Schema
from verdict.util import ratelimit

ratelimit.disable()
job = Job()


class Review(Unit):
    class ResponseSchema(Schema):
        points: list[Point]
        claims: list[Claim]
        missing: list[str]
        because: Because
        score: int
        verdict: Literal["ship", "skip"]
        confidence: int


model = vLLMModel("m", api_base=job.url, api_key="none")
prompt = "@system\n{source.system}\n\n@user\n{source.user}"
pipeline = Pipeline() >> Review().prompt(prompt).via(model, retries=1)
# It files answers under hash(str(row)), and pandas shortens long texts there: without a number, rows collide.
rows = [Schema.of(number=number, system=ask.system, user=ask.user) for number, ask in enumerate(job.asks)]
table, columns = pipeline.run_from_list(rows, max_workers=job.in_flight)
names = {column.rsplit("_", 1)[-1]: column for column in columns}
for _, row in table.iterrows():
    job.got({name: row[column] for name, column in names.items()})
job.report()
