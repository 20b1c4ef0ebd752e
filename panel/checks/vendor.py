"""Whether the model that reviews was made by the maker of the tool. Knows names, nothing of companies behind them.

A maker is known by words of a model's name, and found again in the dossier's vendor, name or address. A model behind
an alias of panel.toml is known only where its endpoint tells its name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from panel.checks.words import words_of
from panel.schema import DossierLines, Flag

MAKERS: tuple[tuple[str, str, str], ...] = (
    ("OpenAI", r"gpt|chatgpt|davinci|codex|whisper|openai|o[1-9]", "openai chatgpt codex"),
    ("Anthropic", r"claude|anthropic", "anthropic claude"),
    ("Google", r"gemini|gemma|palm|bard|learnlm", "google deepmind gemini gemma notebooklm alphabet"),
    ("Meta", r"llama|codellama|meta", "meta facebook llama"),
    ("Mistral AI", r"mistral|mixtral|codestral|ministral|magistral|devstral|pixtral", "mistral mistralai codestral"),
    ("Alibaba", r"qwen|qwq|tongyi", "alibaba aliyun qwen tongyi modelscope"),
    ("DeepSeek", r"deepseek", "deepseek"),
    ("xAI", r"grok|xai", "xai grok"),
    ("Microsoft", r"phi|wizardlm|orca|microsoft", "microsoft azure github copilot vscode"),
    ("Amazon", r"nova|titan|amazon", "amazon aws bedrock"),
    ("Cohere", r"command|aya|cohere", "cohere"),
    ("NVIDIA", r"nemotron|nvidia", "nvidia nemotron"),
    ("IBM", r"granite|ibm", "ibm watsonx"),
    ("AI21", r"jamba|jurassic|ai21", "ai21"),
    ("Moonshot AI", r"kimi|moonshot", "moonshot moonshotai kimi"),
    ("Zhipu AI", r"glm|chatglm|zhipu", "zhipu zai glm chatglm"),
    ("MiniMax", r"minimax|abab", "minimax"),
    ("Hugging Face", r"smollm|zephyr|starcoder|huggingface", "huggingface smolagents smollm"),
    ("Allen Institute for AI", r"olmo|tulu|molmo|allenai", "ai2 allenai olmo"),
    ("Databricks", r"dbrx|databricks", "databricks mosaicml"),
    ("Snowflake", r"arctic|snowflake", "snowflake"),
    ("Reka", r"reka", "reka"),
    ("Writer", r"palmyra", "writer"),
    ("Perplexity", r"sonar|perplexity", "perplexity"),
    ("Upstage", r"solar|upstage", "upstage"),
    ("LG", r"exaone", "lg"),
    ("TII", r"falcon", "tii tiiuae"),
)
"""Maker, the beginnings of words in the names of its models, words by which a dossier names it."""
_MODELS = tuple((maker, re.compile(rf"(?:{models})(?=\d|$)"), frozenset(words.split()))
                for maker, models, words in MAKERS)
_WORD = re.compile(r"[a-z]+\d*|\d+")
_SERVERS = frozenset(("openai", "azure", "bedrock", "vertex", "groq", "openrouter", "together", "fireworks", "ollama",
                      "local", "litellm"))
"""A first word that says who serves the model; who made it is in the words after it."""
_IN_DOSSIER = ("vendor", "name", "url")


@lru_cache(maxsize=256)
def makers_of(models: tuple[str, ...]) -> tuple[tuple[str, frozenset[str]], ...]:
    """The makers of models by their names, each with the words a dossier would name it by."""
    found: dict[str, frozenset[str]] = {}
    for model in models:
        words = _WORD.findall(model.casefold())
        if len(words) > 1 and words[0] in _SERVERS:
            words = words[1:]
        for maker, pattern, named in _MODELS:
            if any(pattern.match(word) for word in words):
                found[maker] = named
    return tuple(found.items())


def own_vendor(models: Sequence[str], lines: DossierLines) -> list[Flag]:
    """`own_vendor` when the maker of the model that answered also made the tool."""
    makers = makers_of(tuple(models))
    if not makers:
        return []
    said = [line.text.partition(":")[2] for line in lines.lines if line.field in _IN_DOSSIER]
    words = set(words_of(" ".join(said)))
    joined = {"".join(pair) for text in said for pair in zip(words_of(text), words_of(text)[1:], strict=False)}
    return [Flag(kind="own_vendor", about=f"name:{maker.casefold()}",
                 reason=f"the model is made by {maker}, and so is the tool")
            for maker, named in makers if not named.isdisjoint(words | joined)]
