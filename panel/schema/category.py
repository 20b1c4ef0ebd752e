"""The fixed list of categories a brief chooses from. Knows nothing of how one is chosen."""

from __future__ import annotations

CATEGORIES = (
    "AI coding assistant",
    "Agent framework",
    "LLM application library",
    "Models and weights",
    "Inference and serving",
    "Vector search and retrieval",
    "Evaluation and testing",
    "Safety and guardrails",
    "Monitoring and observability",
    "Data pipelines and documents",
    "Data analysis and notebooks",
    "Databases and storage",
    "Developer tools",
    "Infrastructure and hosting",
    "APIs and integrations",
    "Voice and audio",
    "Image and video",
    "Writing and notes",
    "Meetings and productivity",
    "Customer support",
    "Sales and marketing",
    "Science and research",
    "Hardware",
    "Other",
)
"""Printed as they stand, on pages and in filters; an answer must repeat one exactly."""
