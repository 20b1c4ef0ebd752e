"""Where launches come from: feeds fetched over HTTP, and what was taken in, kept as it came."""
