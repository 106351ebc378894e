"""The `twitter` source: collects tweets with a browser (`gnb collect twitter`), and reads what was collected."""
