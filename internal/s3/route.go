package s3

import (
	"net/http"
	"net/url"
	"slices"
)

// level is what an operation is about.
type level int

const (
	onService level = iota
	onBucket
	onObject
)

// operation is one operation of the API.
type operation struct {
	method string
	level  level
	// param is the query parameter that tells the operation from others, and header
	// the request header; empty when none does.
	param, header string
	name          string
	// action is the permission; empty when the operation asks for itself.
	action string
	do     func(*call) error
}

// operations are tried in this order: those with a parameter before those without.
var operations = slices.Concat(documentOperations(), []operation{
	{http.MethodGet, onService, "", "", "ListBuckets", "s3:ListAllMyBuckets", (*call).listBuckets},

	{http.MethodGet, onBucket, "location", "", "GetBucketLocation", "s3:GetBucketLocation", (*call).getLocation},
	{http.MethodGet, onBucket, "versioning", "", "GetBucketVersioning", "s3:GetBucketVersioning", (*call).getVersioning},
	{http.MethodPut, onBucket, "versioning", "", "PutBucketVersioning", "s3:PutBucketVersioning", (*call).putVersioning},
	{http.MethodGet, onBucket, "acl", "", "GetBucketAcl", "s3:GetBucketAcl", (*call).getACL},
	{http.MethodPut, onBucket, "acl", "", "PutBucketAcl", "s3:PutBucketAcl", (*call).putACL},
	{http.MethodGet, onBucket, "policyStatus", "", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus", (*call).getPolicyStatus},
	{http.MethodGet, onBucket, "versions", "", "ListObjectVersions", "s3:ListBucketVersions", (*call).listVersions},
	{http.MethodGet, onBucket, "uploads", "", "ListMultipartUploads", "s3:ListBucketMultipartUploads", (*call).listUploads},
	{http.MethodPost, onBucket, "delete", "", "DeleteObjects", "", (*call).deleteObjects},
	{http.MethodGet, onBucket, "list-type", "", "ListObjectsV2", "s3:ListBucket", (*call).listObjectsV2},
	{http.MethodGet, onBucket, "", "", "ListObjects", "s3:ListBucket", (*call).listObjects},
	{http.MethodHead, onBucket, "", "", "HeadBucket", "s3:ListBucket", (*call).headBucket},
	{http.MethodPut, onBucket, "", "", "CreateBucket", "s3:CreateBucket", (*call).createBucket},
	{http.MethodDelete, onBucket, "", "", "DeleteBucket", "s3:DeleteBucket", (*call).deleteBucket},

	{http.MethodGet, onObject, "tagging", "", "GetObjectTagging", "s3:GetObjectTagging", (*call).getTagging},
	{http.MethodPut, onObject, "tagging", "", "PutObjectTagging", "s3:PutObjectTagging", (*call).putTagging},
	{http.MethodDelete, onObject, "tagging", "", "DeleteObjectTagging", "s3:DeleteObjectTagging", (*call).deleteTagging},
	{http.MethodGet, onObject, "acl", "", "GetObjectAcl", "s3:GetObjectAcl", (*call).getACL},
	{http.MethodPut, onObject, "acl", "", "PutObjectAcl", "s3:PutObjectAcl", (*call).putACL},
	{http.MethodGet, onObject, "attributes", "", "GetObjectAttributes", "s3:GetObjectAttributes", (*call).getAttributes},
	{http.MethodPost, onObject, "uploads", "", "CreateMultipartUpload", "s3:PutObject", (*call).createUpload},
	{http.MethodPut, onObject, "uploadId", "X-Amz-Copy-Source", "UploadPartCopy", "s3:PutObject", (*call).copyPart},
	{http.MethodPut, onObject, "uploadId", "", "UploadPart", "s3:PutObject", (*call).putPart},
	{http.MethodPost, onObject, "uploadId", "", "CompleteMultipartUpload", "s3:PutObject", (*call).completeUpload},
	{http.MethodDelete, onObject, "uploadId", "", "AbortMultipartUpload", "s3:AbortMultipartUpload", (*call).abortUpload},
	{http.MethodGet, onObject, "uploadId", "", "ListParts", "s3:ListMultipartUploadParts", (*call).listParts},
	{http.MethodPut, onObject, "", "X-Amz-Copy-Source", "CopyObject", "s3:PutObject", (*call).copyObject},
	{http.MethodPut, onObject, "", "", "PutObject", "s3:PutObject", (*call).putObject},
	{http.MethodGet, onObject, "", "", "GetObject", "s3:GetObject", (*call).getObject},
	{http.MethodHead, onObject, "", "", "HeadObject", "s3:GetObject", (*call).getObject},
	{http.MethodDelete, onObject, "", "", "DeleteObject", "s3:DeleteObject", (*call).deleteObject},
})

// subresources are query parameters that change what a request is about; one that
// no operation takes is refused rather than overlooked.
var subresources = []string{
	"abac", "accelerate", "acl", "analytics", "annotation", "attributes", "cors", "delete", "encryption", "intelligent-tiering",
	"inventory", "legal-hold", "lifecycle", "location", "logging", "metadataAnnotationTable", "metadataConfiguration",
	"metadataInventoryTable", "metadataJournalTable", "metadataTable", "metrics",
	"notification", "object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "renameObject",
	"replication", "requestPayment", "restore", "retention", "select", "session", "tagging", "torrent", "uploadId",
	"uploads", "versioning", "versions", "website",
}

// route finds the operation of the request.
func (c *call) route() error {
	op := match(c.r.Method, levelOf(c.bucket, c.key), c.query, c.r.Header)
	if op == nil {
		for _, name := range subresources {
			if c.query.Has(name) {
				return faultf("NotImplemented", "Hearth does not serve %s of ?%s.", c.r.Method, name)
			}
		}
		return fault("MethodNotAllowed")
	}
	c.op = op
	return refuseHeaders(c.r.Header)
}

func refuseHeaders(h http.Header) error {
	for name, what := range refusedHeaders {
		if h.Get(name) != "" {
			return with(faultf("NotImplemented", "Hearth does not serve %s.", what), "Header", name)
		}
	}
	return nil
}

// refusedHeaders change what a request does in ways that are not served; one of them
// is refused rather than overlooked.
var refusedHeaders = map[string]string{
	"X-Amz-Server-Side-Encryption-Customer-Algorithm":             "encryption with keys of the customer",
	"X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm": "encryption with keys of the customer",
	"X-Amz-Object-Lock-Mode":                                      "Object Lock",
	"X-Amz-Object-Lock-Retain-Until-Date":                         "Object Lock",
	"X-Amz-Object-Lock-Legal-Hold":                                "Object Lock",
	"X-Amz-Write-Offset-Bytes":                                    "appending to objects",
	"X-Amz-If-Match-Size":                                         "conditions of directory buckets",
	"X-Amz-If-Match-Last-Modified-Time":                           "conditions of directory buckets",
}

func levelOf(bucket, key string) level {
	switch {
	case bucket == "":
		return onService
	case key == "":
		return onBucket
	}
	return onObject
}

func match(method string, at level, query url.Values, header http.Header) *operation {
	for i := range operations {
		op := &operations[i]
		if op.method != method || op.level != at {
			continue
		}
		if op.param == "" && slices.ContainsFunc(subresources, query.Has) {
			continue
		}
		if (op.param == "" || query.Has(op.param)) && (op.header == "" || header.Get(op.header) != "") {
			return op
		}
	}
	return nil
}

// versioned are the permissions that have one of their own when a version is named
// (S3 user guide, "Required permissions").
var versioned = map[string]string{
	"s3:GetObject":           "s3:GetObjectVersion",
	"s3:DeleteObject":        "s3:DeleteObjectVersion",
	"s3:GetObjectTagging":    "s3:GetObjectVersionTagging",
	"s3:PutObjectTagging":    "s3:PutObjectVersionTagging",
	"s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
	"s3:GetObjectAcl":        "s3:GetObjectVersionAcl",
	"s3:GetObjectAttributes": "s3:GetObjectVersionAttributes",
}

func (c *call) action() string {
	if c.query.Get("versionId") != "" {
		if action, ok := versioned[c.op.action]; ok {
			return action
		}
	}
	return c.op.action
}
