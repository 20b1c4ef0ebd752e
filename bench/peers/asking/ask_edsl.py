"""edsl: a QuestionPydantic over one scenario an assignment, run here and without its remote services."""

import os
from pathlib import Path

os.environ.update(EDSL_DATABASE_PATH=f"sqlite:///{Path.cwd()}/edsl.db", EDSL_LOG_DIR=str(Path.cwd()),
                  EDSL_CHECK_UPDATES_ON_STARTUP="False", EDSL_DISABLE_VERSION_CHECK="1",
                  OPENAI_COMPATIBLE_API_KEY="none")

from edsl import Cache, Model, Scenario, ScenarioList, Survey
from edsl.questions import QuestionPydantic
from job import PLENTY, Job
from pydantic import BaseModel, Field


class Loose(BaseModel):
    """Its runner rebuilds the model from the JSON schema and takes parts that are models for strings: so, dicts."""

    points: list[dict]
    claims: list[dict]
    missing: list[str]
    because: dict
    score: int = Field(ge=0, le=100)
    verdict: str
    confidence: int = Field(ge=0, le=100)


job = Job()
os.environ["OPENAI_COMPATIBLE_BASE_URL"] = job.url
model = Model("m", service_name="openai_compatible", base_url=job.url, rpm=PLENTY, tpm=PLENTY)
question = QuestionPydantic(question_name="review", question_text="{{ scenario.system }}\n{{ scenario.user }}",
                            pydantic_model=Loose)
scenarios = ScenarioList([Scenario({"system": ask.system, "user": ask.user}) for ask in job.asks])
results = Survey([question]).by(scenarios).by(model).run(
    cache=Cache(), fresh=True, disable_remote_inference=True, disable_remote_cache=True, use_api_proxy=False,
    progress_bar=False, print_exceptions=False, max_concurrency=job.in_flight)
for answer in results.select("answer.review").to_list():
    if answer is None:
        job.lost("no answer")
    else:
        job.got(answer)
job.report()
