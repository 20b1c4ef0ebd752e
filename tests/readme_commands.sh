#!/usr/bin/env bash
# The README's commands beside make test and make demo, in a fresh environment, from a wheel, in an empty directory.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)
desk=$(mktemp -d)
trap 'rm -rf "$desk"' EXIT
cd "$desk"

"${PYTHON:-python3}" -m venv panel-env
panel-env/bin/python -m pip install --quiet --require-hashes --requirement "$checkout/requirements.lock"
panel-env/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir wheels "$checkout"
panel-env/bin/python -m pip install --quiet --no-deps wheels/ship_panel-*.whl
export PATH="$desk/panel-env/bin:$PATH"

cat > mytool.yaml <<'YAML'
name: My Tool
tagline: Syncs notes between phones without a server
license: MIT
pricing: [{plan: Pro, amount: 4, currency: USD, unit: a month}]
description: |
  What the README or the landing page says.
YAML
sed 's/My Tool/Other Tool/' mytool.yaml > othertool.yaml

ship-panel doctor
ship-panel review mytool.yaml --model scripted
ship-panel compare mytool.yaml othertool.yaml --model scripted
ship-panel show my-tool
ship-panel list
ship-panel init
ship-panel personas list
ship-panel personas show investor
ship-panel personas check
ship-panel prompts render mytool.yaml --persona investor --model scripted
ship-panel models list
ship-panel models check scripted
ship-panel export out/ --format csv
ship-panel sql "SELECT persona_id, avg(score) FROM reviews GROUP BY ALL"
ship-panel rescore
ship-panel rebuild
python -c 'import panel; cards = panel.review(["mytool.yaml"], model="scripted"); print(cards[0].score.outcome)'
ship-panel review "$checkout"/examples/code-llama-4.yaml "$checkout"/examples/mistral-4b-edge.yaml \
    --model "recorded:$checkout/examples/recorded.jsonl" --runs recorded
ship-panel flags
ship-panel flags my-tool --all
ship-panel clear my-tool --note "checked against the price page"
ship-panel publish site/ --runs recorded
grep -q "AI personas that have not used the tool" site/code-llama-4.md
ship-panel ledger due --runs recorded --as-of 2029-01-01
foretold=$(ship-panel ledger list --runs recorded --json | python -c 'import json, sys; print(json.load(sys.stdin)[0]["key"][:12])')
ship-panel ledger resolve "$foretold" yes --source https://example.org/news --runs recorded
ship-panel ledger score --runs recorded --plot calibration.svg
ship-panel review mytool.yaml --model scripted --repeats 3
ship-panel history my-tool
ship-panel diff my-tool
ship-panel drift
head -20 "$checkout/examples/launches.jsonl" > launches.jsonl
ship-panel review launches.jsonl --depth verdict --model scripted:price=0.000001 --dry-run
ship-panel review launches.jsonl --depth verdict --model scripted:price=0.000001 --budget 5 --metrics run.prom
cat launches.jsonl | ship-panel review - --depth verdict --model scripted
cat > night.toml <<'TOML'
[panel.triage]
model = "scripted"
depth = "verdict"
[panel.editorial]
model = "scripted:p_ship=0.5"
[watch]
source = "launches.jsonl"
top = 3
pairs = 1
TOML
ship-panel watch night.toml
ship-panel pairs --dry-run
ship-panel export new/ --since 2026-01-01
ship-panel show --persona builder
echo "the README's commands work"
