package index

import (
	"time"

	"github.com/hearthfaas/hearth/internal/s3/checksum"
)

// Versioning is what a bucket does with older versions of its objects.
type Versioning string

// The states of versioning. A bucket that never had it cannot get back to Off.
const (
	Off       Versioning = ""
	Enabled   Versioning = "Enabled"
	Suspended Versioning = "Suspended"
)

// NullVersion is the id of versions that were made without versioning.
const NullVersion = "null"

// Bucket is one bucket. What callers get is never changed in place.
type Bucket struct {
	Name       string     `json:"name"`
	Account    string     `json:"account"`
	Region     string     `json:"region"`
	Created    time.Time  `json:"created"`
	Versioning Versioning `json:"versioning,omitempty"`
	// Documents are the bucket's configurations as they were put, under the name of
	// their subresource, such as "policy" or "lifecycle".
	Documents map[string]string `json:"documents,omitempty"`
}

// Tag is one tag of an object.
type Tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// Checksum is an object's checksum as the API writes it.
type Checksum struct {
	Algorithm checksum.Algorithm `json:"a,omitempty"`
	Value     string             `json:"v,omitempty"`
	Type      string             `json:"t,omitempty"`
}

// Attributes are what a client says of an object when it begins to write it.
type Attributes struct {
	// Headers are the standard headers that are given back, such as content-type,
	// in lower case.
	Headers map[string]string `json:"headers,omitempty"`
	// Meta is the user's metadata, without x-amz-meta-, in lower case.
	Meta         map[string]string `json:"meta,omitempty"`
	Tags         []Tag             `json:"tags,omitempty"`
	StorageClass string            `json:"class,omitempty"` // empty is STANDARD
	// Encryption and EncryptionKey are what the client asked for; nothing is done
	// about them beyond saying so back.
	Encryption    string `json:"sse,omitempty"`
	EncryptionKey string `json:"sse_key,omitempty"`
}

// Object is one version of an object, or a delete marker.
type Object struct {
	Attributes
	Key     string `json:"-"`
	Version string `json:"version"`
	// Seq grows with every change of a key.
	Seq          uint64    `json:"seq"`
	Modified     time.Time `json:"modified"`
	DeleteMarker bool      `json:"marker,omitempty"`
	Size         int64     `json:"size"`
	ETag         string    `json:"etag"` // without quotes
	Checksum     Checksum  `json:"sum,omitzero"`
	// Data names the bytes: a blob, or the segments kept under it when Parts is not
	// zero. Empty for delete markers.
	Data  string `json:"data,omitempty"`
	Parts int    `json:"parts,omitempty"`
	// Older says that noncurrent versions may exist; set on the current one only.
	Older bool `json:"older,omitempty"`
	// Latest says that it is the current version; known when it is read.
	Latest bool `json:"-"`
	// Noncurrent is when a newer version took its place; zero for the current one.
	Noncurrent time.Time `json:"noncurrent,omitzero"`
}

// Segment is one part of an object made of parts.
type Segment struct {
	Number int    `json:"n"`
	Blob   string `json:"b"`
	Size   int64  `json:"s"`
	ETag   string `json:"e,omitempty"`
	Sum    string `json:"c,omitempty"`
}

// Upload is a multipart upload that is neither completed nor aborted.
type Upload struct {
	Attributes
	ID        string    `json:"id"`
	Key       string    `json:"-"`
	Initiated time.Time `json:"initiated"`
	Initiator string    `json:"initiator"` // ARN
	// Checksum has Algorithm and Type of the object to be.
	Checksum Checksum `json:"sum,omitzero"`
	// AnyChecksum says that the client named no algorithm: parts may carry any.
	AnyChecksum bool `json:"any_sum,omitempty"`
}

// Completion is how an upload was completed.
type Completion struct {
	// Digest tells the list of parts that was asked for from others.
	Digest string `json:"digest"`
	Object Object `json:"object"`
}

// Part is one uploaded part.
type Part struct {
	Number   int       `json:"n"`
	Blob     string    `json:"b"`
	Size     int64     `json:"s"`
	ETag     string    `json:"e"`
	Checksum Checksum  `json:"c,omitzero"`
	Modified time.Time `json:"m"`
}

// Garbage are the blobs of one object that nothing refers to any more.
type Garbage struct {
	Group string // what readers pin
	Blobs []string
}
