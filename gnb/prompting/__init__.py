"""What prompted chat models share, served ones and local ones: prompts, examples, messages, and reading answers."""
