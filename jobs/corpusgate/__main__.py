"""`python -m corpusgate`: the same as the `corpusgate` command."""

from corpusgate.cli import main

if __name__ == "__main__":
    main()
