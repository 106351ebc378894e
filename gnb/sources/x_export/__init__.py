"""The `x-export` source: posts of X (Twitter) from its API, an account archive, or the CSV of a scraper."""
