"""What the rewriters that run a local language model share: prompt, decoding, post-processing."""
