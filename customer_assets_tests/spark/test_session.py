"""What is said when the server is not what it should be: without a Spark."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from customer_assets import settings
from customer_assets.spark.session import Cluster, import_client
from customer_assets.warehouse.engine import EngineError, RemoteError
from customer_assets_tests.spark.cluster import free_port


def asked(address: str, tmp_path: Path, within: float = 8) -> tuple[str, float]:
    """Return what a cluster says that cannot compute, and after how many seconds."""
    started = time.monotonic()
    with pytest.raises(RemoteError) as refusal:
        Cluster(address, 60, within).write({}, "select 1 as n", {"n": "int"}, tmp_path / "parts")
    return str(refusal.value), time.monotonic() - started


def test_a_server_that_is_not_there_is_named_at_once(tmp_path):
    port = free_port()
    said, seconds = asked(f"sc://127.0.0.1:{port}/;token=secret", tmp_path)
    assert f"Spark at 127.0.0.1:{port} does not answer (nobody listens there)" in said
    assert "unset CUSTOMER_ASSETS_ENGINE" in said
    assert "secret" not in said
    assert seconds < 10


def test_a_port_where_somebody_else_listens_is_told_of_in_ten_seconds(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        said, seconds = asked(f"sc://127.0.0.1:{silent.getsockname()[1]}", tmp_path, within=1)
    assert "does not answer (somebody listens there, and says nothing)" in said
    assert seconds < 10


@pytest.fixture
def old_server() -> Iterator[int]:
    """A server that speaks the protocol, and says that it is Spark 3.5.1."""
    import_client()
    from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc

    class Old(base_pb2_grpc.SparkConnectServiceServicer):
        def AnalyzePlan(self, request, context):  # noqa: N802
            response = base_pb2.AnalyzePlanResponse(session_id=request.session_id)
            response.spark_version.version = "3.5.1"
            return response

    server = grpc.server(ThreadPoolExecutor(1))
    base_pb2_grpc.add_SparkConnectServiceServicer_to_server(Old(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None)


def test_a_server_of_another_version_is_refused(old_server, tmp_path):
    said, seconds = asked(f"sc://127.0.0.1:{old_server}", tmp_path)
    assert f"The server at 127.0.0.1:{old_server} is Spark 3.5.1; Spark 4.2 or a later 4.x" in said
    assert "unset CUSTOMER_ASSETS_ENGINE" in said
    assert seconds < 10


def test_without_the_client_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    said, _ = asked("sc://127.0.0.1:1", tmp_path)
    assert "pip install 'customer_assets[spark]'" in said


def test_a_program_without_a_file_has_the_client_too():
    program = "from customer_assets.spark.session import import_client; import_client()"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_error_of_spark_is_an_error_of_the_engine():
    assert issubclass(RemoteError, EngineError)


@pytest.mark.parametrize("address", ["spark://host:7077", "sc://", "sc://host:port", "host:15002"])
def test_an_address_of_another_kind_is_refused(address, monkeypatch):
    monkeypatch.setenv("CUSTOMER_ASSETS_ENGINE", address)
    with pytest.raises(settings.SettingError, match="sc://host:15002"):
        settings.engine()


def test_the_settings_have_defaults(monkeypatch):
    assert settings.engine() is None
    assert settings.spark_from() == 50_000_000
    monkeypatch.setenv("CUSTOMER_ASSETS_ENGINE", "sc://host:15002/;token=x")
    monkeypatch.setenv("CUSTOMER_ASSETS_SPARK_FROM", "0")
    assert settings.engine() == "sc://host:15002/;token=x"
    assert settings.spark_from() == 0
