"""The Spark that tests of this folder run on.

Without `CUSTOMER_ASSETS_SPARK_TEST` they are skipped: a server takes seconds, and Java. With it
they fail where there is none: `1`, as `.ci/run` sets it, for one small server, or `cluster`, as
`make spark-test` does.
"""

import os
from collections.abc import Iterator

import pytest

from customer_assets_tests.spark.cluster import NoSparkError, TestCluster

ASKED = os.environ.get("CUSTOMER_ASSETS_SPARK_TEST")


@pytest.fixture(scope="session")
def spark(tmp_path_factory) -> Iterator[TestCluster]:
    """A Spark that is up, shared by all tests: whoever kills a part of it starts it again."""
    if not ASKED:
        pytest.skip("needs a Spark: `make spark-test`")
    cluster = TestCluster(tmp_path_factory.mktemp("spark"), is_local=ASKED != "cluster")
    try:
        cluster.start()
        yield cluster
    except NoSparkError as error:
        pytest.fail(str(error))
    finally:
        cluster.stop()
