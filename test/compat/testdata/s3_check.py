"""Checks S3 with boto3: sys.argv[1] is a scratch directory."""
import hashlib
import os
import sys
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

scratch = sys.argv[1]
s3 = boto3.client("s3")


def fails(code, call, **args):
    try:
        call(**args)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response["Error"]
    else:
        raise AssertionError("expected " + code)


s3.create_bucket(Bucket="python")
assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["python"]
fails("NoSuchBucket", s3.list_objects_v2, Bucket="elsewhere")
fails("NoSuchKey", s3.get_object, Bucket="python", Key="none")
fails("404", s3.head_object, Bucket="python", Key="none")

# A file in parts, up and down again.
data = os.urandom(1 << 20) * 17 + b"end"
path = os.path.join(scratch, "large")
with open(path, "wb") as f:
    f.write(data)
config = TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=6 << 20, max_concurrency=3)
s3.upload_file(path, "python", "dir/large file", Config=config, ExtraArgs={"Metadata": {"sum": hashlib.sha256(data).hexdigest()}})
head = s3.head_object(Bucket="python", Key="dir/large file", ChecksumMode="ENABLED")
assert head["ContentLength"] == len(data) and head["ETag"].endswith('-3"'), head
s3.download_file("python", "dir/large file", path + ".back", Config=config)
with open(path + ".back", "rb") as f:
    assert f.read() == data
s3.copy({"Bucket": "python", "Key": "dir/large file"}, "python", "copy", Config=config)
body = s3.get_object(Bucket="python", Key="copy", Range="bytes=%d-" % (len(data) - 3))["Body"].read()
assert body == b"end", body
attributes = s3.get_object_attributes(Bucket="python", Key="copy", ObjectAttributes=["ObjectSize", "ETag", "ObjectParts", "Checksum"])
assert attributes["ObjectSize"] == len(data), attributes

# Small ones, streams, odd names.
for key in ["a&b <c>", "ü/ä", "plus+space ", "q?x=1#y", "a", "a/b"]:
    s3.put_object(Bucket="python", Key=key, Body=key.encode())
    assert s3.get_object(Bucket="python", Key=key)["Body"].read() == key.encode()
keys = [o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="python", PaginationConfig={"PageSize": 2}) for o in page["Contents"]]
assert keys == sorted(keys, key=lambda k: k.encode()) and len(keys) == 8, keys

url = s3.generate_presigned_url("get_object", Params={"Bucket": "python", "Key": "a&b <c>"})
assert urllib.request.urlopen(url).read() == b"a&b <c>"

# A form, signed as boto3 does by itself and with Signature Version 4.
for client in (s3, boto3.client("s3", config=Config(signature_version="s3v4"))):
    form = client.generate_presigned_post("python", "forms/${filename}", Conditions=[["content-length-range", 1, 10]])
    boundary = "boundary"
    body = "".join('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, k, v) for k, v in form["fields"].items())
    body += '--%s\r\nContent-Disposition: form-data; name="file"; filename="note.txt"\r\n\r\nby a form\r\n--%s--\r\n' % (boundary, boundary)
    request = urllib.request.Request(form["url"], data=body.encode(), headers={"Content-Type": "multipart/form-data; boundary=" + boundary})
    assert urllib.request.urlopen(request).status == 204
    assert s3.get_object(Bucket="python", Key="forms/note.txt")["Body"].read() == b"by a form"
s3.delete_object(Bucket="python", Key="forms/note.txt")

# Versions.
s3.put_bucket_versioning(Bucket="python", VersioningConfiguration={"Status": "Enabled"})
first = s3.put_object(Bucket="python", Key="v", Body=b"1")["VersionId"]
s3.put_object(Bucket="python", Key="v", Body=b"2")
marker = s3.delete_object(Bucket="python", Key="v")
assert marker["DeleteMarker"]
fails("NoSuchKey", s3.get_object, Bucket="python", Key="v")
assert s3.get_object(Bucket="python", Key="v", VersionId=first)["Body"].read() == b"1"
listed = s3.list_object_versions(Bucket="python", Prefix="v")
assert len(listed["Versions"]) == 2 and listed["DeleteMarkers"][0]["IsLatest"], listed
s3.delete_object(Bucket="python", Key="v", VersionId=marker["VersionId"])
assert s3.get_object(Bucket="python", Key="v")["Body"].read() == b"2"

fails("NoSuchCORSConfiguration", s3.get_bucket_cors, Bucket="python")
fails("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, Bucket="python")
s3.put_bucket_tagging(Bucket="python", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
assert s3.get_bucket_tagging(Bucket="python")["TagSet"] == [{"Key": "k", "Value": "v"}]

fails("BucketNotEmpty", s3.delete_bucket, Bucket="python")
boto3.resource("s3").Bucket("python").object_versions.delete()
s3.delete_bucket(Bucket="python")
print("all checks passed")
