"""One connection: kept open, opened again where the server closed it, and one clear line for what goes wrong."""

import socket
from contextlib import closing
from threading import Thread

import pytest

from fm_keras.errors import InvalidInput, ServerError
from fm_keras.serving.client.connection import Connection

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
TOO_LARGE = b'HTTP/1.1 413 Payload Too Large\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{"error":"x"}'


class Peer:
    """A server that gives away answers in order, and hangs up where there is None."""

    def __init__(self, *answers):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.asked, self.accepted = [], 0
        self.thread = Thread(target=self.serve, args=[list(answers)])
        self.thread.start()

    def serve(self, answers):
        while answers:
            connected, _ = self.listening.accept()
            self.accepted += 1
            with connected, connected.makefile("rb") as reading:
                while answers and (question := reading.readline()):
                    headers = dict(line.split(b": ") for line in iter(reading.readline, b"\r\n"))
                    answer = answers.pop(0)
                    if answer is None:
                        break
                    if answer is not TOO_LARGE:
                        reading.read(int(headers.get(b"Content-Length", 0)))
                    self.asked.append(question)
                    connected.sendall(answer)

    def close(self):
        self.thread.join()
        self.listening.close()


@pytest.fixture
def connect():
    peers, connections = [], []

    def start(*answers, path="", timeout=5.0):
        peers.append(Peer(*answers))
        connections.append(Connection(peers[-1].url + path, timeout))
        return peers[-1], connections[-1]

    yield start
    for each in [*connections, *peers]:
        each.close()


def test_one_connection_serves_many_questions(connect):
    peer, connection = connect(GOOD, GOOD, GOOD)

    assert [connection.ask("/a"), connection.ask("/b", "{}"), connection.ask("/c")] == [(200, {})] * 3
    assert peer.accepted == 1
    assert [question.split(b" HTTP")[0] for question in peer.asked] == [b"GET /a", b"POST /b", b"GET /c"]


def test_what_was_asked_on_a_connection_that_the_server_closed_is_asked_again(connect):
    peer, connection = connect(GOOD, None, GOOD)

    assert [connection.ask("/a"), connection.ask("/b")] == [(200, {})] * 2
    assert peer.accepted == 2


def test_a_fresh_connection_that_is_closed_is_not_tried_again(connect):
    peer, connection = connect(None)

    with pytest.raises(ServerError, match=f"No model server answers at {peer.url}: "):
        connection.ask("/a")
    assert peer.accepted == 1


def test_the_path_of_a_proxy_is_kept(connect):
    peer, connection = connect(GOOD, path="/models/")

    connection.ask("/v1")

    assert peer.asked == [b"GET /models/v1 HTTP/1.1\r\n"]


def test_a_server_that_is_not_there_is_named_with_what_would_do(message_of):
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    said = message_of(Connection(url, 5).ask, "/v1")

    assert said == (
        f"No model server answers at {url}: Connection refused. Start one (fm-keras serve), or name the URL of another."
    )


def test_a_slow_answer_says_how_long_was_waited(message_of):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        said = message_of(Connection(url, 0.05).ask, "/v1")

    assert said.startswith(f"{url} did not answer within 0.05 s.")


def test_another_server_is_told_by_its_answer(connect, message_of):
    peer, connection = connect(b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>")

    said = message_of(connection.ask, "/v1")

    assert said == f"{peer.url}/v1 answers HTTP 404, but not in JSON as TensorFlow Serving does. Check the URL."


def test_a_request_that_is_refused_before_it_was_read_has_its_answer(connect):
    _, connection = connect(TOO_LARGE)

    status, answer = connection.ask("/v1", "0" * 8_000_000)

    assert (status, answer) == (413, {"error": "x"})


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8501", "ftp://host", "http://", "http://host:port", "http://host:99999"]
)
def test_what_is_no_url_is_refused(url):
    with pytest.raises(InvalidInput, match=r"is no URL of a server. Write it as http://127.0.0.1:8501"):
        Connection(url, 1)
