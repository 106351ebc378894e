"""`python -m gnb` is `gnb`."""

from gnb.cli.main import main

main()
