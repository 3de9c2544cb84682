"""Entry file for spark-submit: the same command line as `corpusgate`."""

from corpusgate.cli import main

if __name__ == "__main__":
    main()
