"""What `ship-panel init` writes as panel.toml. Knows nothing of how it is read: see `panel.settings`."""

PANEL_TOML = """\
# ship-panel reads this file from the directory you start it in. Every line is optional; the command line overrides it.

# The model of every seat. Examples: gpt-5-mini, anthropic/claude-sonnet-4-5, ollama/llama3.2,
# http://127.0.0.1:8000/v1#name, local:starter, local:path/to/model.gguf. Keys come from the environment.
# model = "local:starter"

# Who sits. A file personas/NAME.yaml here is a persona; one of the same name replaces the built-in one.
# personas = ["builder", "competitor_analyst", "futurist", "investor"]

# full: what is published. verdict: stops after the decision, for triage.
# depth = "full"

# Takes a seat: with two or more, P(ship) by repeats is known.
# repeats = 1

# runs = "runs"          # journals, reports and panel.duckdb
# timeout = 120.0        # most seconds a call may take
# max_in_flight = 64     # most calls at once
# max_unscored = 0.01    # share of unscored reviews above which the exit code is 4

# [sampling]
# temperature = 0.7
# seed = 1
# max_tokens = 2000

# A name of your own for a model, with what cannot be looked up (prices in US dollars a million tokens).
# [models.house]
# model = "http://127.0.0.1:8000/v1#qwen2.5-7b-instruct"
# key_env = "HOUSE_API_KEY"
# context = 32768
# price_in = 0.0
# price_out = 0.0

# A persona on several models: name each seat.
# [[seats]]
# persona = "builder"
# model = "house"

# Most US dollars a run (a whole night of `watch`), a UTC day and a UTC month may cost.
# [budget]
# run = 5.0
# day = 10.0
# month = 100.0

# `ship-panel watch`, a batch job for cron: import, triage all, full drafts of the best, each against its rivals.
# [watch]
# source = "launches.jsonl"  # a file, a folder, an http(s) address, or ["several", "of them"]
# top = 20                   # tools of a night that get a draft
# pairs = 3                  # rivals a draft is compared with; 0: none
# until = "06:00"            # nothing is begun that would not be done by then

# Its two panels; what they do not say is as above.
# [panel.triage]
# model = "house"
# depth = "verdict"
# [panel.editorial]
# model = "gpt-5-mini"
"""
