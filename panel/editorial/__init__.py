"""Reviews → pages: scorecards, "A vs B", leaderboard; on a terminal, as Markdown, as JSON.

Knows nothing of the store or the models: it is handed records and gives back text. Import from the modules:
`terminal`, `markdown`, `comparison`, `versus`, `leaderboard`, `twins`.
"""
