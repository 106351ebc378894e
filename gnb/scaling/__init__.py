"""Work on more than one machine, by Ray. Nothing of gnb needs it."""
