package s3

import "strings"

// busKind is how an event is called on the event bus, and why it came about.
type busKind struct{ detailType, reason, deletion string }

// busKinds are the events that reach the event bus (S3 user guide, "EventBridge
// event message structure").
var busKinds = map[string]busKind{
	"ObjectCreated:Put":                       {"Object Created", "PutObject", ""},
	"ObjectCreated:Post":                      {"Object Created", "POST Object", ""},
	"ObjectCreated:Copy":                      {"Object Created", "CopyObject", ""},
	"ObjectCreated:CompleteMultipartUpload":   {"Object Created", "CompleteMultipartUpload", ""},
	"ObjectRemoved:Delete":                    {"Object Deleted", "DeleteObject", "Permanently Deleted"},
	"ObjectRemoved:DeleteMarkerCreated":       {"Object Deleted", "DeleteObject", "Delete Marker Created"},
	"LifecycleExpiration:Delete":              {"Object Deleted", "Lifecycle Expiration", "Permanently Deleted"},
	"LifecycleExpiration:DeleteMarkerCreated": {"Object Deleted", "Lifecycle Expiration", "Delete Marker Created"},
	"ObjectTagging:Put":                       {"Object Tags Added", "", ""},
	"ObjectTagging:Delete":                    {"Object Tags Deleted", "", ""},
	"ObjectAcl:Put":                           {"Object ACL Updated", "", ""},
}

// Detail is the event as the event bus shows it: its type and its detail. Keys are
// as they are there, and not encoded as in Payload. False says that the bus is not
// told of such events.
func (e *Event) Detail() (detailType string, detail map[string]any, ok bool) {
	kind, ok := busKinds[e.Name]
	if !ok {
		return "", nil, false
	}
	object := map[string]any{"key": e.Key, "sequencer": e.Sequencer}
	if strings.HasPrefix(e.Name, "ObjectCreated:") {
		object["size"] = e.Size
	}
	detail = map[string]any{
		"version": "0", "bucket": map[string]any{"name": e.Bucket}, "object": object, "request-id": e.RequestID, "requester": e.Requester,
	}
	for name, value := range map[string]string{"etag": e.ETag, "version-id": e.Version} {
		if value != "" {
			object[name] = value
		}
	}
	for name, value := range map[string]string{"reason": kind.reason, "deletion-type": kind.deletion, "source-ip-address": e.SourceIP} {
		if value != "" && value != lifecyclePrincipal {
			detail[name] = value
		}
	}
	return kind.detailType, detail, true
}

// lifecyclePrincipal is who expires objects, and from where.
const lifecyclePrincipal = "s3.amazonaws.com"
