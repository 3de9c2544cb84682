from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from corpusgate.errors import UserError
from corpusgate.serve.ports import HOST, free_port, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_port_that_somebody_listens_on_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_port_taken_at_all_addresses_is_not_free() -> None:
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        assert not is_free(listener.getsockname()[1])


def test_next_free_port_is_chosen_when_the_wanted_one_is_taken(taken: int) -> None:
    chosen = free_port(taken)
    assert taken < chosen < taken + 50
    assert is_free(chosen)


def test_wanted_port_is_chosen_when_it_is_free() -> None:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    assert free_port(port) == port


def test_no_free_port_says_what_to_do(taken: int) -> None:
    with pytest.raises(UserError, match=rf"{taken}.*ss -ltnp"):
        free_port(taken, tries=1)
