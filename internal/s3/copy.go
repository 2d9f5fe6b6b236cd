package s3

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/hearthfaas/hearth/internal/s3/checksum"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

// source opens the object that X-Amz-Copy-Source names, if the caller may read it
// and its conditions hold.
func (c *call) source() (o *object, bucket, key string, err error) {
	text, rawQuery, _ := strings.Cut(c.r.Header.Get("X-Amz-Copy-Source"), "?")
	path, err := url.PathUnescape(text)
	if err != nil {
		return nil, "", "", faultf("InvalidArgument", "Invalid copy source encoding.")
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, "", "", faultf("InvalidArgument", "Invalid copy source encoding.")
	}
	bucket, key, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if bucket == "" || key == "" || !validKey(key) {
		return nil, "", "", faultf("InvalidArgument", "Invalid copy source object key")
	}
	version := query.Get("versionId")
	action := "s3:GetObject"
	if version != "" {
		action = versioned[action]
	}
	if _, ok := c.s.index.Bucket(bucket); !ok {
		return nil, "", "", fault("NoSuchBucket")
	}
	if err := c.allow(action, bucket, key); err != nil {
		return nil, "", "", err
	}
	if o, err = c.s.openObject(c.ctx(), bucket, key, version); err != nil {
		return nil, "", "", err
	}
	switch {
	case o.DeleteMarker && version != "":
		err = faultf("InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id.")
	case o.DeleteMarker:
		err = fault("NoSuchKey")
	case conditionsOf(c.r.Header, "X-Amz-Copy-Source-").read(&o.Object) != proceed:
		err = fault("PreconditionFailed")
	}
	if err != nil {
		o.done()
		return nil, "", "", err
	}
	if src, ok := c.s.index.Bucket(bucket); ok && src.Versioning != index.Off {
		c.w.Header().Set("X-Amz-Copy-Source-Version-Id", o.Version)
	}
	return o, bucket, key, nil
}

type copyResult struct {
	XMLName      xml.Name
	ETag         string
	LastModified xmlTime
	checksumElements
	ChecksumType string `xml:",omitempty"`
}

func (c *call) copyObject() error {
	src, bucket, key, err := c.source()
	if err != nil {
		return err
	}
	defer src.done()
	if src.Size > putMax {
		return faultf("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(putMax))
	}
	attributes, err := c.copiedAttributes(src, bucket == c.bucket && key == c.key && c.query.Get("versionId") == "")
	if err != nil {
		return err
	}
	cond, err := conditionsOf(c.r.Header, "").write()
	if err != nil {
		return err
	}
	copied, err := c.copyBytes(src, checksumOfCopy(c.r.Header, src))
	if err != nil {
		return err
	}
	copied.Attributes, copied.Modified = attributes, c.now()
	o, err := c.write(index.Write{Object: copied, If: cond, Notify: c.notifier("ObjectCreated:Copy")})
	if err != nil {
		return err
	}
	c.showVersion(o.Version)
	c.showEncryption(&o.Attributes)
	c.writeXML(http.StatusOK, copyResult{
		XMLName: xml.Name{Space: namespace, Local: "CopyObjectResult"}, ETag: quote(o.ETag), LastModified: xmlTime(o.Modified),
		checksumElements: elementsOf(o.Checksum), ChecksumType: o.Checksum.Type,
	})
	return nil
}

// copiedAttributes are the source's or the request's, as the directives say.
func (c *call) copiedAttributes(src *object, onto bool) (index.Attributes, error) {
	a, err := attributesOf(c.r.Header)
	if err != nil {
		return a, err
	}
	if err := refuseACL(c.r.Header, c.rec); err != nil {
		return a, err
	}
	h := c.r.Header
	replaceMeta, replaceTags := h.Get("X-Amz-Metadata-Directive") == "REPLACE", h.Get("X-Amz-Tagging-Directive") == "REPLACE"
	if onto && !replaceMeta && !replaceTags && h.Get("X-Amz-Storage-Class") == "" && a.Encryption == "" &&
		h.Get("X-Amz-Website-Redirect-Location") == "" && h.Get("X-Amz-Checksum-Algorithm") == "" {
		return a, faultf("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if !replaceMeta {
		redirect := a.Headers["x-amz-website-redirect-location"]
		a.Headers, a.Meta = maps.Clone(src.Headers), src.Meta
		delete(a.Headers, "x-amz-website-redirect-location") // never copied
		if redirect != "" {
			a.Headers["x-amz-website-redirect-location"] = redirect
		}
	}
	if !replaceTags {
		a.Tags = src.Tags
	}
	return a, nil
}

// checksumOfCopy is the algorithm of the copy's checksum: the source's unless the
// request names another.
func checksumOfCopy(h http.Header, src *object) checksum.Algorithm {
	if a, ok := checksum.Parse(h.Get("X-Amz-Checksum-Algorithm")); ok {
		return a
	}
	if src.Checksum.Algorithm != "" {
		return src.Checksum.Algorithm
	}
	return checksum.CRC64NVME
}

// copyBytes makes a blob of what src has left to read. A whole object of one piece
// shares the source's file.
func (c *call) copyBytes(src *object, a checksum.Algorithm) (index.Object, error) {
	if src.Parts == 0 && src.at == 0 && src.end == src.Size && src.Checksum.Algorithm == a && src.Checksum.Value != "" {
		id, err := c.s.blobs.Copy(src.Data)
		return index.Object{Size: src.Size, ETag: src.ETag, Checksum: src.Checksum, Data: id}, err
	}
	b := newPlainBody(struct{ io.Reader }{src}, a)
	id, err := c.keep(b)
	return index.Object{
		Size: b.size, ETag: b.etag(), Data: id,
		Checksum: index.Checksum{Algorithm: a, Value: b.sum(a), Type: checksum.FullObject},
	}, err
}
