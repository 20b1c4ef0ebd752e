"""The tables of the store as data: columns, types, one line on each, and where a loader finds the value.

The DDL and docs/tables.md are made from it (`panel.store.manual`). Knows nothing of journals, files or connections.
Long things (points, claims, flags, lines, seats) are kept nested in the row they belong to and read as views, one row
each (`panel.store.views`): one insert a review, one row to replace when a later run does it again.
"""

from __future__ import annotations

from panel.schema.dossier import THIN_WORDS
from panel.store.table import Column, Table

TABLES_VERSION = 3
"""Raised with every change of a table: an older store is then made anew from the journals, a newer one refused."""


def _digests(*names: str) -> tuple[Column, ...]:
    says = {
        "dossier_digest": "the dossier as read", "lines_digest": "its lines as shown to the model",
        "persona_digest": "the persona file", "panel_digest": "the panel it was made under",
        "prompts_digest": "the prompt folder",
    }
    return tuple(Column(name, "VARCHAR", f"digest of {says[name]}") for name in names)


_OUTCOME = (
    Column("key", "VARCHAR", "the assignment's identity over all runs"),
    Column("run_id", "VARCHAR", "the run that carried it out"),
    Column("wave", "VARCHAR", "occasion of a study; empty otherwise"),
    Column("repeat", "INTEGER", "which take, from 0"),
    Column("model", "VARCHAR", "model as asked"),
    Column("model_answered", "VARCHAR", "model as the endpoint names it"),
    Column("fallback", "VARCHAR", "the fallback model that answered instead; null: none did"),
    *_digests("prompts_digest"),
    Column("rung", "VARCHAR", "how the structure was got out of the model"),
    Column("messages_digest", "VARCHAR", "the first messages sent; see messages"),
    Column("attempts", "INTEGER", "answers read: 2 when asked again"),
    Column("reasked", "BOOLEAN", "asked once more with the reason"),
    Column("unscored", "VARCHAR", "why there is no answer, in words; null when there is one"),
    Column("unscored_kind", "VARCHAR", "unavailable, declined, unreadable, budget or quarantined"),
    Column("calls", "INTEGER", "requests it took", "record.spent.calls"),
    Column("tokens_in", "BIGINT", "prompt tokens, cached ones included", "record.spent.tokens_in"),
    Column("tokens_cached", "BIGINT", "prompt tokens served from a cache", "record.spent.tokens_cached"),
    Column("tokens_out", "BIGINT", "output tokens, reasoning included", "record.spent.tokens_out"),
    Column("cost_usd", "DOUBLE", "null: a price was unknown", "record.spent.cost_usd"),
    Column("seconds", "DOUBLE", "waiting for the model", "record.spent.seconds"),
    Column("finished_at", "VARCHAR", "UTC, ISO 8601"),
)
_FLAGS = Column(
    "flags", "STRUCT(kind VARCHAR, reason VARCHAR, field VARCHAR, span BIGINT[], text VARCHAR, about VARCHAR)[]",
    "what an editor should look at; long in view flags")
_SCORE_NUMBERS = (
    Column("seats", "INTEGER", "seats asked: the denominator of the quorum"),
    Column("voting", "INTEGER", "seats with a vote: the denominator of ship_rate"),
    Column("ships", "DOUBLE", "seats for ship; an even split of takes counts half"),
    Column("skips", "DOUBLE", "seats for skip"),
    Column("unscored", "INTEGER", "seats without a readable answer"),
    Column("withdrawn", "INTEGER", "seats an editor dropped"),
    Column("ship_rate", "DOUBLE", "ships / voting; null when none votes"),
    Column("outcome", "VARCHAR", "ship, skip, split or no_quorum"),
    Column("mean_score", "DOUBLE", "mean of the seats' scores, 0-100"),
    Column("score_range", "DOUBLE", "highest minus lowest seat"),
    Column("p_ship_probe", "DOUBLE", "mean over seats of the probe's P(ship)"),
    Column("p_ship_repeats", "DOUBLE", "mean over seats of the share of takes that ship"),
)
_SEAT_FIELDS = (
    "persona_id VARCHAR, model VARCHAR, takes BIGINT, ships BIGINT, skips BIGINT, unscored BIGINT, vote DOUBLE, "
    "mean_score DOUBLE, p_ship_probe DOUBLE")

_HOLDS = Column("holds", "INTEGER", "flags that hold it back from publication and nobody has cleared; 0: none", "holds")
_BY_PERSONA = Column("by_persona", f"STRUCT({_SEAT_FIELDS})[]", "seat by seat; long in view seats")

CALLS = Table(
    "calls", "One row a request sent, whatever came back.", ("run_id", "seq"), (
        Column("call_id", "VARCHAR", "run_id/seq", "sent.run || '/' || sent.seq"),
        Column("run_id", "VARCHAR", "the run", "sent.run"),
        Column("seq", "BIGINT", "number of the call in its run", "sent.seq"),
        Column("wave", "VARCHAR", "occasion of a study; empty otherwise", "sent.wave"),
        Column("kind", "VARCHAR", "review, reask, probe, brief, compare, field or check", "sent.kind"),
        Column("step", "VARCHAR", "step of the assignment it belongs to", "sent.step"),
        Column("key", "VARCHAR", "the assignment", "sent.key"),
        Column("attempt", "INTEGER", "from 1; above 1 after a fault of the endpoint", "sent.attempt"),
        Column("tool_id", "VARCHAR", "the tool", "sent.tool_id"),
        Column("persona_id", "VARCHAR", "the persona; null for a brief", "sent.persona_id"),
        Column("repeat", "INTEGER", "which take, from 0", "sent.repeat"),
        Column("dossier_digest", "VARCHAR", "the dossier of a review's call; else null, join by key",
               "given.dossier_digest"),
        Column("lines_digest", "VARCHAR", "the lines of a review's call; else null, join by key",
               "given.lines_digest"),
        Column("persona_digest", "VARCHAR", "the persona file", "sitting.persona_digest"),
        Column("prompts_digest", "VARCHAR", "the prompt folder", "sitting.prompts_digest"),
        Column("panel_digest", "VARCHAR", "the panel", "coalesce(given.panel_digest, sitting.panel_digest)"),
        Column("messages_digest", "VARCHAR", "exactly what was sent; see messages", "sent.messages"),
        Column("model_asked", "VARCHAR", "model as asked", "sent.model"),
        Column("model_answered", "VARCHAR", "model as the endpoint names it", "answer.completion.model"),
        Column("endpoint", "VARCHAR", "where it was sent", "sent.endpoint"),
        Column("fingerprint", "VARCHAR", "the endpoint's system fingerprint", "answer.completion.fingerprint"),
        Column("params", "JSON", "sampling parameters as asked", "sent.params"),
        Column("params_sent", "JSON", "parameters that went over the wire", "answer.completion.params_sent"),
        Column("params_dropped", "VARCHAR[]", "parameters the endpoint does not take",
               "answer.completion.params_dropped"),
        Column("rung", "VARCHAR", "how the structure was asked for", "sent.rung"),
        Column("reserved_usd", "DOUBLE", "reserved before it was sent; null: price unknown", "sent.reserved_usd"),
        Column("sent_at", "VARCHAR", "UTC, ISO 8601", 'sent."at"'),
        Column("answered_at", "VARCHAR", "UTC, ISO 8601; null when lost", 'answer."at"'),
        Column("first_token_s", "DOUBLE", "seconds to the first token", "answer.completion.first_token_s"),
        Column("seconds", "DOUBLE", "seconds to the end", "answer.completion.seconds"),
        Column("http_status", "INTEGER", "null where there was none", "answer.http_status"),
        Column("result", "VARCHAR", "ok, unavailable, declined, rejected, or lost (sent, never answered: spent)",
               "coalesce(answer.result, 'lost')"),
        Column("error", "VARCHAR", "what went wrong, in words", "answer.error"),
        Column("finish_reason", "VARCHAR", "as the endpoint says", "answer.completion.finish_reason"),
        Column("tokens_in", "BIGINT", "prompt tokens, cached ones included", "answer.completion.tokens_in"),
        Column("tokens_cached", "BIGINT", "prompt tokens served from a cache", "answer.completion.tokens_cached"),
        Column("tokens_reasoning", "BIGINT", "output tokens spent on reasoning",
               "answer.completion.tokens_reasoning"),
        Column("tokens_out", "BIGINT", "output tokens, reasoning included", "answer.completion.tokens_out"),
        Column("cost_usd", "DOUBLE", "null: the price is unknown", "answer.completion.cost_usd"),
        Column("price_version", "VARCHAR", "which price table", "answer.completion.price_version"),
        Column("text", "VARCHAR", "the answer, unread", "answer.completion.text"),
        Column("reasoning", "VARCHAR", "the model's reasoning, where it is given", "answer.completion.reasoning"),
    ))
REVIEWS = Table(
    "reviews", "One row an assignment: the last that is done, else the last.", ("key",), (
        *_OUTCOME,
        Column("tool_id", "VARCHAR", "the tool"),
        *_digests("dossier_digest", "lines_digest"),
        Column("persona_id", "VARCHAR", "the persona"),
        *_digests("persona_digest", "panel_digest"),
        Column("depth", "VARCHAR", "verdict or full"),
        Column("thin", "BOOLEAN", "a first look: the dossier has under 60 words"),
        Column("lines_left_out", "INTEGER", "lines trimmed to fit the model's context"),
        Column("verdict", "VARCHAR", "ship or skip; null when unscored", "record.verdict.verdict"),
        Column("score", "INTEGER", "strength of the case, 0-100", "record.verdict.score"),
        Column("confidence", "INTEGER", "as the model says, 0-100", "record.verdict.confidence"),
        Column("because_point", "VARCHAR", "the point that decided", "record.verdict.because.point"),
        Column("because", "VARCHAR", "the one thing that decided", "record.verdict.because.text"),
        Column("points", "MAP(VARCHAR, VARCHAR)", "point id to note; long in view points", "record.verdict.points"),
        Column("claims", "STRUCT(text VARCHAR, lines BIGINT[])[]", "sentences and their lines; long in view claims",
               "record.verdict.claims"),
        Column("missing", "VARCHAR[]", "what the dossier does not say", "record.verdict.missing"),
        Column("quote", "VARCHAR", "what is published; null at depth verdict", "record.verdict.quote"),
        Column("best_for", "VARCHAR", "null at depth verdict", "record.verdict.best_for"),
        Column("change_my_mind", "VARCHAR", "null at depth verdict", "record.verdict.change_my_mind"),
        Column("caveat", "VARCHAR", "a condition on the verdict, if any", "record.verdict.caveat"),
        Column("prediction", 'STRUCT(statement VARCHAR, "by" VARCHAR, probability BIGINT)',
               "a dated statement, if any; view predictions", "record.verdict.prediction"),
        Column("decided_by", "VARCHAR", "answer, or probe (a small model's token probabilities)"),
        Column("p_ship_probe", "DOUBLE", "P(ship) from one token's probabilities", "record.probe.p_ship"),
        Column("probe_coverage", "DOUBLE", "probability mass on either word", "record.probe.coverage"),
        _FLAGS,
    ))
BRIEFS = Table(
    "briefs", "One row a neutral reading of a dossier: the last that is done, else the last.", ("key",), (
        *_OUTCOME,
        Column("tool_id", "VARCHAR", "the tool"),
        *_digests("dossier_digest", "lines_digest"),
        Column("description", "VARCHAR", "50-90 words", "record.brief.description.text"),
        Column("description_lines", "BIGINT[]", "lines it stands on", "record.brief.description.lines"),
        Column("entry", "VARCHAR", "free, paid, freemium or unknown", "record.brief.entry"),
        Column("price", "STRUCT(amount DOUBLE, currency VARCHAR, unit VARCHAR, as_of VARCHAR, lines BIGINT[])",
               "the price read, or nulls", "record.brief.price"),
        Column("best_for", "VARCHAR", "who gains", "record.brief.best_for.text"),
        Column("best_for_lines", "BIGINT[]", "lines it stands on", "record.brief.best_for.lines"),
        Column("not_for", "VARCHAR", "who does not", "record.brief.not_for.text"),
        Column("not_for_lines", "BIGINT[]", "lines it stands on", "record.brief.not_for.lines"),
        Column("category", "VARCHAR", "from a fixed list", "record.brief.category"),
        _FLAGS,
    ))
COMPARISONS = Table(
    "comparisons", "One row a persona asked about two tools in one order.", ("key",), (
        *_OUTCOME,
        Column("tool_a", "VARCHAR", "shown first"),
        Column("tool_b", "VARCHAR", "shown second"),
        Column("lines_digests", "VARCHAR[]", "digests of the lines of a and b"),
        Column("persona_id", "VARCHAR", "the persona"),
        *_digests("persona_digest", "panel_digest"),
        Column("differences", "STRUCT(axis VARCHAR, a_lines BIGINT[], b_lines BIGINT[])[]", "axes and their lines",
               "record.comparison.differences"),
        Column("pick", "VARCHAR", "a, b, neither or not_comparable; null when unscored", "record.comparison.pick"),
        Column("pick_a_if", "VARCHAR", "when to take a", "record.comparison.pick_a_if"),
        Column("pick_b_if", "VARCHAR", "when to take b", "record.comparison.pick_b_if"),
        Column("quote", "VARCHAR", "40-90 words", "record.comparison.quote"),
        Column("decided_by", "VARCHAR", "answer or probe"),
        _FLAGS,
    ))
DOSSIERS = Table(
    "dossiers", "Each distinct dossier once, as read.", ("dossier_digest",), (
        Column("dossier_digest", "VARCHAR", "its digest", "key"),
        Column("tool_id", "VARCHAR", "the tool", "record.id"),
        *(Column(name, "VARCHAR", says) for name, says in (
            ("name", "as its maker writes it"), ("vendor", "who makes it"), ("tagline", "one line"),
            ("category", "as the dossier says"), ("url", "home page"), ("version", "version described"),
            ("license", "licence"))),
        Column("pricing", "STRUCT(plan VARCHAR, amount DOUBLE, currency VARCHAR, unit VARCHAR, as_of VARCHAR, "
                          "source_url VARCHAR)[]", "prices it names"),
        *(Column(name, "VARCHAR", says) for name, says in (
            ("released", "date of release"), ("as_of", "date the facts are of"), ("description", "the long text"))),
        Column("facts", "STRUCT(text VARCHAR, source_url VARCHAR)[]", "sentences and where they are from"),
        Column("sources", "VARCHAR[]", "where it was gathered"),
        Column("more", "JSON", "keys the program does not know, kept", "more"),
    ))
DOSSIER_LINES = Table(
    "dossier_lines", "Each distinct set of numbered lines once, as a reviewer saw them.",
    ("lines_digest", "dossier_digest"), (
        Column("lines_digest", "VARCHAR", "its digest", "key"),
        Column("dossier_digest", "VARCHAR", "the dossier it was cut from", "dossier_digest"),
        Column("tool_id", "VARCHAR", "the tool"),
        Column("name", "VARCHAR", "name of the tool"),
        Column("lines", "STRUCT(number BIGINT, field VARCHAR, text VARCHAR)[]", "long in view lines"),
        Column("left_out", "BIGINT[]", "numbers trimmed to fit the context"),
        Column("removed", "VARCHAR[]", "what cleaning took away, in words"),
        Column("words", "BIGINT", "words of all lines, trimmed ones included"),
    ))
PROMPTS = Table(
    "prompts", "Each distinct list of messages once, as parts.", ("messages_digest",), (
        Column("messages_digest", "VARCHAR", "digest of exactly what is sent", "key"),
        Column("messages", "STRUCT(role VARCHAR, parts VARCHAR[])[]", "role and digests of parts; see messages",
               "messages"),
    ))
MESSAGE_PARTS = Table(
    "message_parts", "Each distinct part of a message once: a message is its parts joined.", ("part_digest",), (
        Column("part_digest", "VARCHAR", "its digest", "key"),
        Column("text", "VARCHAR", "the text", "text"),
    ))
ASSIGNED = Table(
    "assigned", "What a panel last asked of one dossier: the keys its score is taken over.",
    ("panel_digest", "dossier_digest"), (
        Column("panel_digest", "VARCHAR", "the panel", "panel_digest"),
        Column("tool_id", "VARCHAR", "the tool", "tool_id"),
        Column("dossier_digest", "VARCHAR", "digest of the dossier as read", "dossier_digest"),
        Column("lines_digest", "VARCHAR", "digest of its lines as shown to the first seat", "lines_digest"),
        Column("seats", "INTEGER", "seats of the panel", "seats"),
        Column("run_id", "VARCHAR", "the last run that assigned it", "run"),
        Column("keys", 'STRUCT("key" VARCHAR, kind VARCHAR, persona_id VARCHAR, model VARCHAR, repeat BIGINT)[]',
               "the assignments; long in view assignments", "keys"),
    ))
RUNS = Table(
    "runs", "One row a run that has journalled and what it came to; totals of its calls in view run_totals.",
    ("run_id",), (
        Column("run_id", "VARCHAR", "sorts by time"),
        Column("command", "VARCHAR", "what was typed"),
        Column("started_at", "VARCHAR", "UTC, ISO 8601"),
        Column("program_version", "VARCHAR", "ship-panel's version"),
        Column("package_versions", "JSON", "package to version"),
        Column("panel_digest", "VARCHAR", "its panel"),
        Column("models", "JSON", "model as asked to endpoint"),
        Column("captions", "VARCHAR[]", "lines every page of it must carry"),
        *(Column(name, kind, says, f"record.{source or name}") for name, kind, says, source in (
            ("ended_at", "VARCHAR", "UTC, ISO 8601; this and what follows is null where it was killed", ""),
            ("seconds", "DOUBLE", "from beginning to end", ""),
            ("exit_code", "INTEGER", "as in the README", ""),
            ("stopped_by", "VARCHAR", "why it ended early; null when it did not", ""),
            ("tools_asked", "BIGINT", "tools given", ""),
            ("tools_done", "BIGINT", "of those, the ones of which nothing is left to ask", ""),
            ("tools_left", "BIGINT", "of those, left for the next run; null: not all were read", ""),
            ("kept", "BIGINT", "assignments an earlier run had finished", ""),
            ("scored", "BIGINT", "reviews, briefs and comparisons that could be read", ""),
            ("unscored", "BIGINT", "those that could not", ""),
            ("reasked", "BIGINT", "asked once more with the reason", ""),
            ("faults", "BIGINT", "requests that failed: the extra calls", ""),
            ("cost_usd", "DOUBLE", "spent, unanswered calls at their most; null: a price was unknown", ""),
            ("cap_usd", "DOUBLE", "the tightest cap when it began", ""),
            ("estimate_low", "DOUBLE", "expected cost before the first call", "estimate.low"),
            ("estimate_expected", "DOUBLE", "the same", "estimate.expected"),
            ("estimate_high", "DOUBLE", "the same", "estimate.high"),
            ("quarantined", "STRUCT(tool_id VARCHAR, persona_id VARCHAR, kind VARCHAR, reason VARCHAR)[]",
             "assignments not asked again, and why; at most a hundred", ""),
        )),
    ))
PANELS = Table(
    "panels", "Each distinct panel once.", ("panel_digest",), (
        Column("panel_digest", "VARCHAR", "its digest"),
        Column("depth", "VARCHAR", "verdict or full"),
        Column("prompts", "VARCHAR", "name of the prompt folder"),
        Column("prompts_digest", "VARCHAR", "digest of the prompt folder"),
        Column("models", "VARCHAR[]", "models of its seats, as asked"),
        Column("temperature", "DOUBLE", "null: the provider's default"),
        Column("repeats", "INTEGER", "takes a seat"),
        Column("record", "JSON", "all of it"),
    ))
PERSONAS = Table(
    "personas", "Each distinct persona file once.", ("persona_digest",), (
        Column("persona_digest", "VARCHAR", "its digest"),
        Column("persona_id", "VARCHAR", "its id"),
        Column("name", "VARCHAR", "its name"),
        Column("motto", "VARCHAR", "its motto"),
        Column("record", "JSON", "all of it"),
    ))
SCORES = Table(
    "scores", "One row a panel score: a dossier under a panel.", ("tool_id", "dossier_digest", "panel_digest"), (
        Column("tool_id", "VARCHAR", "the tool"),
        *_digests("dossier_digest", "panel_digest"),
        Column("depth", "VARCHAR", "verdict or full", "depth"),
        Column("models", "VARCHAR[]", "models of its seats, as asked", "models"),
        Column("lines_digest", "VARCHAR", "its lines as shown to the first seat", "lines_digest"),
        *_SCORE_NUMBERS,
        _BY_PERSONA,
        _HOLDS,
        Column("run_id", "VARCHAR", "the last run that assigned it", "run_id"),
        Column("reviewed_at", "VARCHAR", "when its last review ended, UTC", "reviewed_at"),
    ))
LATEST = Table(
    "latest", "One row a tool: its newest score at full depth, else at depth verdict.", ("tool_id",), (
        Column("tool_id", "VARCHAR", "the tool", "best.tool_id"),
        *(Column(name, "VARCHAR", f"{name} of its dossier", f"about.{name}")
          for name in ("name", "vendor", "tagline", "url")),
        Column("category", "VARCHAR", "of its dossier, else of its brief",
               "about.category"),
        Column("thin", "BOOLEAN", "a first look: under 60 words", f"coalesce(about.words < {THIN_WORDS}, false)"),
        *(Column(column.name, column.type, column.says, f'best."{column.name}"') for column in (
            *_digests("dossier_digest", "panel_digest"),
            Column("depth", "VARCHAR", "verdict or full"),
            Column("models", "VARCHAR[]", "models of its seats, as asked"),
            *_SCORE_NUMBERS, _BY_PERSONA, _HOLDS,
            Column("run_id", "VARCHAR", "the last run that assigned it"),
            Column("reviewed_at", "VARCHAR", "when its last review ended, UTC"))),
    ))
RESOLUTIONS = Table(
    "resolutions", "How predictions came out, one row each time somebody said so; the last of a prediction stands.",
    ("resolution_id",), (
        Column("resolution_id", "VARCHAR", "its own id, sorts by time", "key"),
        Column("prediction", "VARCHAR", "key of the review that made it"),
        Column("statement", "VARCHAR", "as it read when it was resolved"),
        Column("outcome", "VARCHAR", "yes, no or void"),
        Column("source", "VARCHAR", "where anybody can see it"),
        Column("note", "VARCHAR", "in words"),
        Column("by", "VARCHAR", "who says so"),
        Column("at", "VARCHAR", "UTC, ISO 8601"),
    ))
CLEARANCES = Table(
    "clearances", "One row each time an editor let flags of a panel pass.", ("clearance_id",), (
        Column("clearance_id", "VARCHAR", "its own id, sorts by time", "key"),
        Column("tool_id", "VARCHAR", "the tool"),
        *_digests("dossier_digest", "panel_digest"),
        Column("flags", 'STRUCT("key" VARCHAR, kind VARCHAR, field VARCHAR, text VARCHAR)[]', "the flags let pass"),
        Column("note", "VARCHAR", "why"),
        Column("by", "VARCHAR", "who"),
        Column("at", "VARCHAR", "UTC, ISO 8601"),
    ))
ECHOES = Table(
    "echoes", "Words in a persona's last 50 quotes, the latest of each tool, that over a fifth of them have, one row "
    "each time; made anew with "
    "every load that has reviews of the persona. They are in view flags, as template_echo.", ("key", "position"), (
        *(Column(name, kind, says, f'echo."{name}"') for name, kind, says in (
            ("persona_id", "VARCHAR", "the persona"),
            ("key", "VARCHAR", "the review whose quote it is"),
            ("tool_id", "VARCHAR", "the tool"),
            ("position", "BIGINT", "goes on after the review's own flags"),
            ("kind", "VARCHAR", "phrase (four words) or opening (the first three)"),
            ("phrase", "VARCHAR", "the words, in small letters"),
            ("quotes", "BIGINT", "quotes that have them"),
            ("of", "BIGINT", "of so many: the last 50, or all where there are fewer"),
            ("span", "BIGINT[]", "start and end in the quote, in characters"),
            ("text", "VARCHAR", "the words as they stand there"),
        )),
    ))
LOADED = Table(
    "loaded", "One row a journal segment in this store.", ("run_id", "file"), (
        Column("run_id", "VARCHAR", "the run; facts: what people stated"),
        Column("file", "VARCHAR", "name of the segment"),
        Column("lines", "BIGINT", "lines in it"),
        Column("bytes", "BIGINT", "bytes of its whole lines"),
    ))
META = Table(
    "meta", "Which program wrote the store.", ("name",), (
        Column("name", "VARCHAR", "tables_version, program_version or duckdb_version"),
        Column("value", "VARCHAR", "its value"),
    ))

TABLES = (
    CALLS, REVIEWS, BRIEFS, COMPARISONS, DOSSIERS, DOSSIER_LINES, PROMPTS, MESSAGE_PARTS, ASSIGNED, RUNS, PANELS,
    PERSONAS, SCORES, LATEST, RESOLUTIONS, CLEARANCES, ECHOES, LOADED, META,
)
