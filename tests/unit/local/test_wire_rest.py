"""A REST request names no operation: its method, its path and what it must have tell."""

import pytest

from local.wire import rest_operation


@pytest.mark.parametrize(
    ("operation", "method", "path", "query", "headers"),
    [
        ("ListBuckets", "GET", "/", "", {}),
        ("CreateBucket", "PUT", "/bucket", "", {}),
        ("ListObjects", "GET", "/bucket", "prefix=a", {}),
        ("ListObjectsV2", "GET", "/bucket", "list-type=2&prefix=a", {}),
        ("DeleteObjects", "POST", "/bucket", "delete", {}),
        ("GetObject", "GET", "/bucket/a/b", "", {}),
        ("GetObjectTagging", "GET", "/bucket/a/b", "tagging", {}),
        ("HeadObject", "HEAD", "/bucket/a", "", {}),
        ("PutObject", "PUT", "/bucket/a/b", "", {}),
        ("CopyObject", "PUT", "/bucket/a/b", "", {"x-amz-copy-source": "bucket/c"}),
        ("CreateMultipartUpload", "POST", "/bucket/a", "uploads", {}),
        ("UploadPart", "PUT", "/bucket/a", "uploadId=x&partNumber=1", {}),
    ],
)
def test_an_operation_of_s3_is_known_by_what_it_demands(operation, method, path, query, headers):
    assert rest_operation("s3", method, path, query, headers) == operation


@pytest.mark.parametrize("service", ["nowhere", "sqs"])
def test_a_service_without_rest_operations_has_none(service):
    assert rest_operation(service, "GET", "/", "", {}) is None
