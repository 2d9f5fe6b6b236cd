package s3

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hearthfaas/hearth/internal/s3/index"
)

// metaMax is how many bytes names and values of user metadata have together (S3
// user guide, "Working with object metadata").
const metaMax = 2 << 10

// kept are the headers that are given back as they came.
var kept = []string{
	"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires",
	"X-Amz-Website-Redirect-Location",
}

// storageClasses are accepted and shown; all objects are kept alike.
var storageClasses = []string{
	"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR",
}

// attributesOf reads what a request says of the object that it writes.
func attributesOf(h http.Header) (index.Attributes, error) {
	a := index.Attributes{Headers: map[string]string{}, Meta: map[string]string{}}
	for _, name := range kept {
		value := h.Get(name)
		if name == "Content-Encoding" {
			value = withoutChunked(value)
		}
		if value != "" {
			a.Headers[strings.ToLower(name)] = value
		}
	}
	if a.Headers["content-type"] == "" {
		a.Headers["content-type"] = "binary/octet-stream"
	}
	size := 0
	for name, values := range h {
		meta, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-")
		if !ok {
			continue
		}
		a.Meta[meta] = strings.Join(values, ",")
		size += len(meta) + len(a.Meta[meta])
	}
	if size > metaMax {
		return a, fault("MetadataTooLarge")
	}
	var err error
	if a.Tags, err = parseTagHeader(h.Get("X-Amz-Tagging")); err != nil {
		return a, err
	}
	if class := h.Get("X-Amz-Storage-Class"); class != "" && class != "STANDARD" {
		if !slices.Contains(storageClasses, class) {
			return a, faultf("InvalidStorageClass", "The storage class you specified is not valid")
		}
		a.StorageClass = class
	}
	a.Encryption, a.EncryptionKey = h.Get("X-Amz-Server-Side-Encryption"), h.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
	return a, refuseHeaders(h)
}

// withoutChunked takes aws-chunked out of a Content-Encoding: it is of the
// transfer, not of the object.
func withoutChunked(value string) string {
	var rest []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
			rest = append(rest, part)
		}
	}
	return strings.Join(rest, ",")
}

// showAttributes sets the headers that describe an object.
func (c *call) showAttributes(o *index.Object) {
	h := c.w.Header()
	for name, value := range o.Headers {
		h.Set(name, value)
	}
	for name, value := range o.Meta {
		h.Set("X-Amz-Meta-"+name, value)
	}
	h.Set("Etag", quote(o.ETag))
	h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	if o.StorageClass != "" {
		h.Set("X-Amz-Storage-Class", o.StorageClass)
	}
	c.showVersion(o.Version)
	c.showEncryption(&o.Attributes)
}

// showVersion names the version where the bucket has, or had, versioning.
func (c *call) showVersion(version string) {
	if c.rec.Versioning != index.Off && version != "" {
		c.w.Header().Set("X-Amz-Version-Id", version)
	}
}

func (c *call) showEncryption(a *index.Attributes) {
	kind := a.Encryption
	if kind == "" {
		kind = "AES256"
	}
	c.w.Header().Set("X-Amz-Server-Side-Encryption", kind)
	if a.EncryptionKey != "" {
		c.w.Header().Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", a.EncryptionKey)
	}
}

// showChecksum sets the headers of an object's checksum.
func (c *call) showChecksum(sum index.Checksum) {
	if sum.Value != "" {
		c.w.Header().Set(sum.Algorithm.Header(), sum.Value)
		c.w.Header().Set("X-Amz-Checksum-Type", sum.Type)
	}
}

func quote(etag string) string { return `"` + etag + `"` }

// parseTagHeader reads tags in the form of a query.
func parseTagHeader(text string) ([]index.Tag, error) {
	if text == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, faultf("InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	var tags []index.Tag
	for key, all := range values {
		if len(all) > 1 {
			return nil, faultf("InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
		}
		tags = append(tags, index.Tag{Key: key, Value: all[0]})
	}
	slices.SortFunc(tags, func(a, b index.Tag) int { return strings.Compare(a.Key, b.Key) })
	return tags, checkTags(tags, objectTagsMax)
}
