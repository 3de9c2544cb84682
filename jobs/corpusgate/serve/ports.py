"""Which port to listen on."""

from __future__ import annotations

import socket

from corpusgate.errors import UserError

HOST = "127.0.0.1"
#: Airflow's own default.
FIRST = 8080


def is_free(port: int) -> bool:
    """Whether nothing listens on the port, at our address or at all addresses."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as probe:
        # as the server does it: a connection that is just closing must not count as taken
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(first: int = FIRST, tries: int = 50) -> int:
    """The first free port from `first` upwards.

    Raises:
        UserError: none of them is free.
    """
    for port in range(first, min(first + tries, 65536)):
        if is_free(port):
            return port
    raise UserError(
        f"No port from {first} to {first + tries - 1} is free on {HOST}. `ss -ltnp` shows who listens; end one of them."
    )
