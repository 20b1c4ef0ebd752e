"""What a tool is about, read off its words: categories of the fixed list, each with how much speaks for it.

Stands in where no brief has chosen a category. Knows nothing of dossiers, briefs or scores.
"""

from __future__ import annotations

import re

SIGNS = {
    "AI coding assistant": r"pair programming|codebase|code editor|ides?\b|autocomplet|code suggest|ai coding|"
                           r"coding (?:agent|assistant)|next-edit",
    "Agent framework": r"agents?\b|multi-agent|agentic|orchestrat|crews?\b|tool calling|workflow|autonomous",
    "LLM application library": r"structured (?:output|generation)|json schema|pydantic|prompt|language model|"
                               r"constrained|declarative|schema",
    "Models and weights": r"weights\b|checkpoint|fine-tun|pretrain|open model|foundation model",
    "Inference and serving": r"inference|llama[.]cpp|gguf|vllm|serving\b|quantiz|gpus?\b|cpus?\b|throughput|bindings\b",
    "Vector search and retrieval": r"vector|embedding|retriev|similarity|semantic search|rag\b|memory layer|"
                                   r"long-term memory",
    "Evaluation and testing": r"eval|metric|benchmark|judge|unit test|test case|red[- ]team|scor(?:e|ing)",
    "Safety and guardrails": r"guardrail|validat|jailbreak|moderation|safety|pii\b|toxic",
    "Monitoring and observability": r"observab|tracing|traces?\b|telemetry|monitor|logging|opentelemetry",
    "Data pipelines and documents": r"pdf|docx|documents?\b|parsing|ocr\b|etl\b|synthetic data|data curation|dataset|"
                                    r"pipeline|scrap(?:e|ing)",
    "Data analysis and notebooks": r"notebook|dataframe|dashboard|plots?\b|explor|visuali|analysis|jupyter|reactive",
    "Databases and storage": r"databases?\b|sql|postgres|storage|key-value|duckdb",
    "Developer tools": r"command[- ]line|cli\b|terminal|debug|lint|package manager|build tool|git\b",
    "Infrastructure and hosting": r"deploy|kubernetes|docker|cloud|hosting|terraform|serverless",
    "APIs and integrations": r"rest api|webhook|connector|mcp\b|integration|sdk\b|oauth",
    "Voice and audio": r"voice|speech|audio|text-to-speech|dubbing|transcri|music",
    "Image and video": r"images?\b|videos?\b|picture|photo|clips?\b|footage|render",
    "Writing and notes": r"notes\b|wiki|writing|document editor|blog|markdown editor",
    "Meetings and productivity": r"meeting|calendar|summaries|action item|productivity|task manager",
    "Customer support": r"customer (?:support|service)|support agent|helpdesk|tickets?\b",
    "Sales and marketing": r"crm\b|sales\b|marketing|lead generation|seo\b|outreach|advertis",
    "Science and research": r"survey|research|experiment|scientific|physics|chemistry|biolog|simulation|genom",
    "Hardware": r"devices?\b|wearable|gadget|pocket|clip-on|sensor|hardware|robot",
}
"""Category → beginnings of words that speak for it."""
_PATTERNS = {category: re.compile(rf"(?<![a-z0-9])(?:{signs})") for category, signs in SIGNS.items()}


def signs_in(text: str) -> dict[str, int]:
    """Category → how many signs of it a lower-case text has; those without any are left out."""
    found = {category: len(pattern.findall(text)) for category, pattern in _PATTERNS.items()}
    return {category: number for category, number in found.items() if number}
