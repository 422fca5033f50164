"""`python -m artcurate` is the command line."""

from artcurate.cli import main

if __name__ == "__main__":
    main()
