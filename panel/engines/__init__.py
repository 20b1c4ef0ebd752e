"""Map an async function over many items, a bounded number at once. Knows nothing of reviews."""
