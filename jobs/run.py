"""Entry file for spark-submit: the same command line as `corpusgate`."""

if __name__ == "__main__":
    # here and not above: the processes that intake starts import this file, too
    from corpusgate.cli import main

    main()
