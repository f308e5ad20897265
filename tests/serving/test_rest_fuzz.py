"""Whatever is sent to the REST interface: an answer or a 4xx with an error, and the server stays up."""

import json
from http.client import HTTPConnection
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: the embedded server needs it")

FUZZ = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SIGNATURES = [
    "serving_default",
    "pair",
    "text",
    "inverse",
    "mean",
    "uneven",
    "gather",
    "classify",
    "regress",
    "nothing",
]
NAMES = ["x", "a", "b", "s", "inputs", "index", "instances", "examples", "context", "signature_name", "b64", "tag"]

numbers = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**80), 2**80),
    st.floats(),
    st.floats(-1, 1),
    st.sampled_from([1e308, -1e39, 5e-324]),
)
encoded = st.builds(lambda text: {"b64": text}, st.one_of(st.text("AQ=-_/+ ?", max_size=6), st.integers(), st.none()))
leaves = st.one_of(numbers, numbers, st.booleans(), st.none(), st.text(max_size=3), encoded)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)),
    max_leaves=15,
)
triples = st.lists(st.lists(numbers, min_size=3, max_size=3), max_size=3)
bodies = st.one_of(
    st.fixed_dictionaries(
        {"signature_name": st.sampled_from(SIGNATURES)},
        optional={"instances": values, "inputs": values, "examples": values, "context": values},
    ),
    st.fixed_dictionaries({"instances": triples}),
    st.fixed_dictionaries({}, optional={"signature_name": values, "instances": values, "inputs": values}),
    values,
)


@pytest.fixture(scope="module")
def connection(toy_server):
    host, port = toy_server.rest_url.removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=60)
    yield connection
    connection.close()


@pytest.fixture
def send(connection):
    """Send a body; what comes back is JSON, and below 500."""

    def post(content, path="/v1/models/toy:predict", method="POST"):
        connection.request(method, path, content)
        response = connection.getresponse()
        said = json.loads(response.read())
        assert response.status < 500, said
        if response.status != 200:
            assert 400 <= response.status and list(said) == ["error"] and said["error"]
        return response.status

    return post


def works(send):
    return send(json.dumps({"instances": [[1, 2, 3]]})) == 200


@FUZZ
@given(body=bodies, verb=st.sampled_from(["predict", "predict", "classify", "regress"]))
def test_any_json_is_answered_or_refused(send, body, verb):
    send(json.dumps(body), f"/v1/models/toy:{verb}")


@FUZZ
@given(body=bodies, cut=st.floats(0, 1), noise=st.binary(max_size=3))
def test_json_that_breaks_off_or_is_garbled_is_refused(send, body, cut, noise):
    text = json.dumps(body).encode()
    place = round(cut * len(text))

    send(text[:place] + noise)
    send(text[:place] + noise + text[place:])


@FUZZ
@given(content=st.binary(max_size=40))
def test_any_bytes_are_refused(send, content):
    assert send(content) == 400


@FUZZ
@given(
    parts=st.lists(
        st.one_of(
            st.sampled_from(["v1", "models", "toy", "versions", "1", "labels", "stable", "metadata", "toy:predict"]),
            st.text(max_size=4).map(lambda text: quote(text, safe=":")),
        ),
        max_size=6,
    ),
    method=st.sampled_from(["GET", "POST"]),
)
def test_any_path_is_answered_or_refused(send, parts, method):
    send(b'{"instances": [[1, 2, 3]]}', "/" + "/".join(parts), method)


@pytest.mark.parametrize("depth", [10, 63, 64, 65, 200, 999, 1000, 1030, 20_000, 200_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"x":', "}"), ('{"instances":[', "]}"), ("[NaN,", "]")])
def test_nesting_of_any_depth_is_refused(send, depth, opened, closed):
    for form in ("instances", "inputs"):
        whole = f'{{"{form}": {opened * depth}1{closed * depth}}}'
        assert send(whole) == (413 if len(whole) > 2**20 else 400)
        assert send(f'{{"{form}": {opened * depth}') == (413 if len(opened) * depth > 2**20 - 20 else 400)


@pytest.mark.parametrize(
    "number", ["1" * 5000, "-" + "9" * 400, "1e400", "1" * 30, "0." + "0" * 400 + "1", "1e-400", "-0"]
)
@pytest.mark.parametrize("signature", ["serving_default", "gather"])
def test_huge_and_tiny_numbers_are_answered_or_refused(send, number, signature):
    for rows in (f"[[{number}, 1, 2]]", f"[{number}]", f"[NaN, {number}]"):
        send(f'{{"signature_name": "{signature}", "instances": {rows}}}')


def test_after_all_that_it_answers(send):
    assert works(send)
