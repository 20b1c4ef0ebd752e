"""The views of the store as data: the long forms of what the tables keep nested, and what a statistician wants.

Knows nothing of journals, files or connections.
"""

from __future__ import annotations

from panel.schema import HOLDING
from panel.store.opening import quoted
from panel.store.table import Column, Table

_HOLDING = ", ".join(map(quoted, sorted(HOLDING)))

ECHO_FLAG = (
    "'template_echo' AS kind, CASE kind WHEN 'opening' THEN 'the first three words of ' ELSE '4 words in ' END || "
    "quotes || ' of the ' || replace(persona_id, '_', ' ') || '''s last ' || \"of\" || ' quotes, one a tool' "
    "AS reason, "
    "'quote' AS field, span, text, phrase AS about")
"""A row of `echoes` as a flag."""

_KEY = Column("key", "VARCHAR", "the assignment")
_TOOL = Column("tool_id", "VARCHAR", "the tool")
_PERSONA = Column("persona_id", "VARCHAR", "the persona")
_POSITION = Column("position", "BIGINT", "from 1, in the order given")


def _unnested(table: str, nested: str, columns: str) -> str:
    """One row an element of the list `nested`; `columns` read it as `item`, its number as `position`."""
    return (
        f"SELECT {columns} FROM (SELECT *, generate_subscripts({nested}, 1) AS position, unnest({nested}) AS item "
        f"FROM {table})")


_OF_CLAIM = ("list_transform(list_filter(flags, lambda flag: flag.field = 'claims[' || (position - 1) || '].text'), "
             "lambda flag: flag.kind)")
_SUPPORT = (
    f"CASE WHEN len(item.lines) > 0 THEN CASE WHEN len(list_filter({_OF_CLAIM}, lambda kind: kind IN ('missing_line', "
    "'unsupported_claim') OR (starts_with(kind, 'wrong_') AND kind <> 'wrong_name'))) > 0 THEN 'unsupported' "
    f"WHEN len(list_intersect({_OF_CLAIM}, ['weak_claim', 'wrong_name'])) > 0 THEN 'weak' ELSE 'supported' END END")

POINTS = Table(
    "points", "The points of every scored review, one row each.", ("key", "position"), (
        _KEY, _TOOL, _PERSONA, _POSITION,
        Column("point", "VARCHAR", "its id"),
        Column("text", "VARCHAR", "what was said"),
    ), _unnested("(SELECT key, tool_id, persona_id, map_entries(points) AS entries FROM reviews)", "entries",
                 "key, tool_id, persona_id, position, item.key, item.value"))
CLAIMS = Table(
    "claims", "The claims of every scored review, one row each.", ("key", "position"), (
        _KEY, _TOOL, _PERSONA, _POSITION,
        Column("text", "VARCHAR", "the sentence"),
        Column("lines", "BIGINT[]", "lines it stands on; empty: general knowledge"),
        Column("support", "VARCHAR", "supported, weak or unsupported by those lines, as its flags say; null without "
                                     "lines"),
    ), _unnested("reviews", "claims", f"key, tool_id, persona_id, position, item.text, item.lines, {_SUPPORT}"))
FLAGS = Table(
    "flags", "What an editor should look at, one row each.", ("key", "position"), (
        _KEY, Column("of", "VARCHAR", "review, brief or compare"), Column("tool_id", "VARCHAR", "the tool (or tool a)"),
        Column("persona_id", "VARCHAR", "the persona; null for a brief"), _POSITION,
        Column("kind", "VARCHAR", "kind of flag"),
        Column("reason", "VARCHAR", "in words"),
        Column("field", "VARCHAR", "the field it is in"),
        Column("span", "BIGINT[]", "start and end, in characters"),
        Column("text", "VARCHAR", "the words flagged"),
        Column("about", "VARCHAR", "what it is of, in one form: the same item in other reviews has the same"),
        Column("holds", "BOOLEAN", "whether it holds the panel back from publication until an editor clears it"),
    ), " UNION ALL ".join(
        _unnested(f"(SELECT key, '{of}' AS made, {tool} AS tool_id, {persona} AS persona_id, flags FROM {table})",
                  "flags", "key, made, tool_id, persona_id, "
                  "position, item.kind, item.reason, item.field, item.span, item.text, item.about, "
                  f"item.kind IN ({_HOLDING})")
        for of, table, tool, persona in (
            ("review", "reviews", "tool_id", "persona_id"), ("brief", "briefs", "tool_id", "NULL::VARCHAR"),
            ("compare", "comparisons", "tool_a", "persona_id")))
    + f" UNION ALL SELECT key, 'review', tool_id, persona_id, position, {ECHO_FLAG}, false FROM echoes")
TO_CHECK = Table(
    "to_check", "What an editor must look up before a tool's latest panel is published, one row an item however often "
    "it is said.", ("tool_id", "about"), (
        _TOOL, Column("about", "VARCHAR", "the item in one form: USD:20, n:42, d:2026-03, name:qwen"),
        Column("text", "VARCHAR", "as the first seat that says it writes it"),
        Column("places", "BIGINT", "how often it is said"),
        Column("personas", "VARCHAR[]", "who says it"),
    ), "SELECT tool_id, coalesce(flag.about, flag.text, flag.reason) AS item, "
       "arg_min(coalesce(flag.text, flag.reason), place), count(*), list_sort(list(DISTINCT persona_id)) "
       "FROM (SELECT review.tool_id, review.persona_id, "
       "{seat: given.position, flag: generate_subscripts(review.flags, 1)} AS place, unnest(review.flags) AS flag FROM "
       "(SELECT unnest(keys).key AS key, generate_subscripts(keys, 1) AS position FROM assigned SEMI JOIN latest "
       "USING (panel_digest, dossier_digest)) AS given JOIN reviews AS review ON review.key = given.key) "
       "WHERE flag.kind = 'to_check' GROUP BY tool_id, item")
PREDICTIONS = Table(
    "predictions", "Dated statements of scored reviews, one row each.", ("key",), (
        _KEY, _TOOL, _PERSONA, Column("model", "VARCHAR", "model as asked"),
        Column("run_id", "VARCHAR", "the run"), Column("finished_at", "VARCHAR", "when it was made, UTC"),
        Column("statement", "VARCHAR", "an observable event"), Column("by", "VARCHAR", "YYYY-MM"),
        Column("probability", "BIGINT", "in percent"),
        Column("vague", "VARCHAR", "why nobody could score it, in words; null: it can be"),
    ), 'SELECT key, tool_id, persona_id, model, run_id, finished_at, prediction.statement, prediction."by", '
       "prediction.probability, list_filter(flags, lambda flag: flag.kind = 'vague_prediction')[1].reason "
       "FROM reviews WHERE prediction IS NOT NULL")
LEDGER = Table(
    "ledger", "Every prediction with how it came out, one row each.", ("key",), (
        *PREDICTIONS.columns,
        Column("persona_digest", "VARCHAR", "the version of the persona"),
        Column("outcome", "VARCHAR", "yes, no or void; null: open"),
        Column("source", "VARCHAR", "where anybody can see it"), Column("note", "VARCHAR", "in words"),
        Column("resolved_by", "VARCHAR", "who says so"), Column("resolved_at", "VARCHAR", "UTC"),
        Column("resolutions", "BIGINT", "how often it was resolved; the last stands"),
    ), "SELECT predictions.*, persona_digest, last.outcome, last.source, last.note, last.\"by\", last.\"at\", "
       "coalesce(times, 0) FROM predictions JOIN (SELECT key, persona_digest FROM reviews) USING (key) LEFT JOIN "
       "(SELECT prediction AS key, unnest(max({\"at\": \"at\", resolution_id: resolution_id, outcome: outcome, "
       "source: source, note: note, \"by\": \"by\"})), count(*) AS times FROM resolutions GROUP BY prediction) AS last "
       "USING (key)")
LINES = Table(
    "lines", "The numbered lines reviewers were shown, one row each.", ("lines_digest", "dossier_digest", "number"), (
        Column("lines_digest", "VARCHAR", "the set they belong to"), Column("dossier_digest", "VARCHAR", "the dossier"),
        _TOOL, Column("number", "BIGINT", "the number cited"), Column("field", "VARCHAR", "field of the dossier"),
        Column("text", "VARCHAR", "the line"),
    ), _unnested("dossier_lines", "lines", "lines_digest, dossier_digest, tool_id, "
                 "item.number, item.field, item.text"))
MESSAGES = Table(
    "messages", "The messages sent, one row each; the text is the parts joined.", ("messages_digest", "position"), (
        Column("messages_digest", "VARCHAR", "the list they belong to"), _POSITION,
        Column("role", "VARCHAR", "system, user or assistant"),
        Column("parts", "VARCHAR[]", "digests of its parts, in order"),
    ), _unnested("prompts", "messages", "messages_digest, position, item.role, item.parts"))
ASSIGNMENTS = Table(
    "assignments", "What was asked under which panel, one row each.", ("panel_digest", "dossier_digest", "key"), (
        _KEY, Column("kind", "VARCHAR", "review or brief"), Column("panel_digest", "VARCHAR", "the panel"), _TOOL,
        Column("dossier_digest", "VARCHAR", "the dossier"), Column("run_id", "VARCHAR", "the last run"),
        Column("persona_id", "VARCHAR", "the persona; null for a brief"), Column("model", "VARCHAR", "model as asked"),
        Column("repeat", "BIGINT", "which take, from 0"),
    ), _unnested("assigned", "keys", "item.key, coalesce(item.kind, 'review'), panel_digest, tool_id, dossier_digest, "
                 "run_id, item.persona_id, item.model, item.repeat"))
SEATS = Table(
    "seats", "Panel scores seat by seat.", ("tool_id", "dossier_digest", "panel_digest", "position"), (
        _TOOL, Column("dossier_digest", "VARCHAR", "the dossier"), Column("panel_digest", "VARCHAR", "the panel"),
        _POSITION, _PERSONA, Column("model", "VARCHAR", "model as asked"),
        Column("takes", "BIGINT", "repeats carried out"), Column("ships", "BIGINT", "takes for ship"),
        Column("skips", "BIGINT", "takes for skip"), Column("unscored", "BIGINT", "takes without a readable answer"),
        Column("vote", "DOUBLE", "1 ship, 0 skip, 0.5 an even split, null unscored"),
        Column("mean_score", "DOUBLE", "mean over scored takes, 0-100"),
        Column("p_ship_probe", "DOUBLE", "the probe's P(ship)"),
    ), _unnested("scores", "by_persona", "tool_id, dossier_digest, panel_digest, "
                 "position, item.persona_id, item.model, item.takes, item.ships, item.skips, item.unscored, item.vote, "
                 "item.mean_score, item.p_ship_probe"))
RUN_TOTALS = Table(
    "run_totals", "What each run has spent so far.", ("run_id",), (
        Column("run_id", "VARCHAR", "the run"), Column("calls", "BIGINT", "requests sent"),
        Column("lost", "BIGINT", "sent and never answered: spent"),
        Column("tokens_in", "HUGEINT", "prompt tokens"), Column("tokens_cached", "HUGEINT", "served from a cache"),
        Column("tokens_out", "HUGEINT", "output tokens"), Column("cost_usd", "DOUBLE", "of the calls with a price"),
        Column("unpriced", "BIGINT", "answers whose price is unknown"),
        Column("first_sent_at", "VARCHAR", "UTC"), Column("last_answered_at", "VARCHAR", "UTC"),
    ), "SELECT run_id, count(*), count(*) FILTER (result = 'lost'), sum(tokens_in), sum(tokens_cached), "
       "sum(tokens_out), sum(cost_usd ORDER BY seq), count(*) FILTER (result = 'ok' AND cost_usd IS NULL), "
       "min(sent_at), max(answered_at) FROM calls GROUP BY run_id")
LONG = Table(
    "long", "One row a review with what it was made under: what a statistician wants.", ("key",), (
        _KEY, _TOOL, Column("name", "VARCHAR", "name of the tool"), Column("category", "VARCHAR", "of the dossier"),
        _PERSONA, Column("model", "VARCHAR", "model as asked"),
        Column("model_answered", "VARCHAR", "model as the endpoint names it"),
        Column("depth", "VARCHAR", "verdict or full"), Column("prompts", "VARCHAR", "name of the prompt folder"),
        Column("prompts_digest", "VARCHAR", "its digest"), Column("temperature", "DOUBLE", "null: the default"),
        Column("panel_digest", "VARCHAR", "the panel"), Column("wave", "VARCHAR", "occasion of a study"),
        Column("repeat", "INTEGER", "which take, from 0"), Column("run_id", "VARCHAR", "the run"),
        Column("ship", "INTEGER", "1 ship, 0 skip, null unscored"), Column("score", "INTEGER", "0-100"),
        Column("confidence", "INTEGER", "0-100"), Column("p_ship_probe", "DOUBLE", "the probe's P(ship)"),
        Column("decided_by", "VARCHAR", "answer or probe"), Column("unscored_kind", "VARCHAR", "null when scored"),
        Column("thin", "BOOLEAN", "a first look"), Column("reasked", "BOOLEAN", "asked once more"),
        Column("rung", "VARCHAR", "how the structure was got"), Column("flags", "BIGINT", "number of flags"),
        Column("claims", "BIGINT", "number of claims"), Column("tokens_in", "BIGINT", "prompt tokens"),
        Column("tokens_out", "BIGINT", "output tokens"), Column("cost_usd", "DOUBLE", "null: price unknown"),
        Column("seconds", "DOUBLE", "waiting for the model"), Column("finished_at", "TIMESTAMP", "UTC"),
    ), "SELECT review.key, review.tool_id, dossier.name, dossier.category, review.persona_id, review.model, "
       "review.model_answered, review.depth, panel.prompts, review.prompts_digest, panel.temperature, "
       "review.panel_digest, review.wave, review.repeat, review.run_id, "
       "CASE review.verdict WHEN 'ship' THEN 1 WHEN 'skip' THEN 0 END, review.score, review.confidence, "
       "review.p_ship_probe, review.decided_by, review.unscored_kind, review.thin, review.reasked, review.rung, "
       "len(review.flags), len(review.claims), review.tokens_in, review.tokens_out, review.cost_usd, review.seconds, "
       "try_cast(left(review.finished_at, 23) AS TIMESTAMP) FROM reviews AS review "
       "LEFT JOIN dossiers AS dossier ON dossier.dossier_digest = review.dossier_digest "
       "LEFT JOIN panels AS panel ON panel.panel_digest = review.panel_digest")
VERSIONS = Table(
    "versions", "Which version of a persona or prompt folder wrote what, for drift. What a version of a persona says "
    "is personas.record; what was sent under one of a prompt folder is found by reviews.messages_digest in messages "
    "and message_parts.", ("kind", "id", "digest"), (
        Column("kind", "VARCHAR", "persona or prompts"),
        Column("id", "VARCHAR", "id of the persona, or name of the prompt folder; null: the run's run.json is missing"),
        Column("digest", "VARCHAR", "its version"),
        Column("first_at", "VARCHAR", "when its first review was finished, UTC"),
        Column("last_at", "VARCHAR", "when its last was"),
        Column("reviews", "BIGINT", "reviews it wrote"), Column("ships", "BIGINT", "for ship"),
        Column("skips", "BIGINT", "for skip"), Column("unscored", "BIGINT", "without a readable answer"),
        Column("ship_rate", "DOUBLE", "ships / (ships + skips); null when none is scored"),
        Column("mean_score", "DOUBLE", "of the scored ones, 0-100"),
        Column("runs", "BIGINT", "runs these reviews are of"),
    ), " UNION ALL ".join(
        f"SELECT '{kind}', {name}, {digest}, min(finished_at), max(finished_at), count(*), "
        "count(*) FILTER (verdict = 'ship'), count(*) FILTER (verdict = 'skip'), count(*) FILTER (verdict IS NULL), "
        "count(*) FILTER (verdict = 'ship') / nullif(count(verdict), 0), avg(score), count(DISTINCT run_id) "
        f"FROM reviews {join} GROUP BY {name}, {digest}"
        for kind, name, digest, join in (
            ("persona", "persona_id", "persona_digest", ""),
            ("prompts", "prompts", "reviews.prompts_digest", "LEFT JOIN (SELECT panel_digest, prompts FROM panels) "
                                                             "USING (panel_digest)"))))

VIEWS = (
    POINTS, CLAIMS, FLAGS, TO_CHECK, PREDICTIONS, LEDGER, LINES, MESSAGES, ASSIGNMENTS, SEATS, RUN_TOTALS, VERSIONS,
    LONG,
)
