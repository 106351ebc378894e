"""Chat models behind any endpoint that speaks OpenAI's protocol, OpenAI's own and local servers alike."""
