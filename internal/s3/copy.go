package s3

import (
	"encoding/xml"
	"errors"
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
	if query.Has("versionId") && !index.ValidVersion(version) {
		return nil, "", "", argument("x-amz-copy-source", c.r.Header.Get("X-Amz-Copy-Source"), "Invalid version id specified")
	}
	action := "s3:GetObject"
	if version != "" {
		action = versioned[action]
	}
	rec, ok := c.s.index.Bucket(bucket)
	if !ok {
		return nil, "", "", with(fault("NoSuchBucket"), "BucketName", bucket)
	}
	if want := c.r.Header.Get("X-Amz-Source-Expected-Bucket-Owner"); want != "" && want != rec.Account {
		return nil, "", "", fault("AccessDenied")
	}
	if err := c.allow(action, bucket, key); err != nil {
		return nil, "", "", err
	}
	if o, err = c.s.openObject(c.ctx(), bucket, key, version); err != nil {
		if errors.Is(err, index.ErrNoObject) {
			err = with(fault("NoSuchKey"), "Key", key)
		}
		return nil, "", "", err
	}
	o.named = version != ""
	switch {
	case o.DeleteMarker && version != "":
		err = faultf("InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id.")
	case o.DeleteMarker:
		err = with(fault("NoSuchKey"), "Key", key)
	case conditionsOf(c.r.Header, "X-Amz-Copy-Source-").read(&o.Object) != proceed:
		err = fault("PreconditionFailed")
	}
	if err != nil {
		o.done()
		return nil, "", "", err
	}
	if rec.Versioning != index.Off {
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
	attributes, err := c.copiedAttributes(src, bucket == c.bucket && key == c.key && !src.named)
	if err != nil {
		return err
	}
	if err := c.allowTags(bucket, key, attributes.Tags); err != nil {
		return err
	}
	cond, err := conditionsOf(c.r.Header, "").write()
	if err != nil {
		return err
	}
	algorithm, err := checksumOfCopy(c.r.Header, src)
	if err != nil {
		return err
	}
	copied, err := c.copyBytes(src, algorithm)
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
	c.showExpiration(&o)
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
	for name, what := range map[string]string{"X-Amz-Metadata-Directive": "metadata", "X-Amz-Tagging-Directive": "tagging"} {
		if value := h.Get(name); value != "" && value != "COPY" && value != "REPLACE" {
			return a, argument(strings.ToLower(name), value, "Unknown "+what+" directive.")
		}
	}
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

// allowTags asks whether the caller may take tags along with a copy.
func (c *call) allowTags(bucket, key string, tags []index.Tag) error {
	if len(tags) == 0 {
		return nil
	}
	if c.r.Header.Get("X-Amz-Tagging-Directive") != "REPLACE" {
		if err := c.allow("s3:GetObjectTagging", bucket, key); err != nil {
			return err
		}
	}
	return c.allow("s3:PutObjectTagging", c.bucket, c.key)
}

// checksumOfCopy is the algorithm of the copy's checksum: the source's unless the
// request names another.
func checksumOfCopy(h http.Header, src *object) (checksum.Algorithm, error) {
	if name := h.Get("X-Amz-Checksum-Algorithm"); name != "" {
		return parseAlgorithm(name)
	}
	if src.Checksum.Algorithm != "" {
		return src.Checksum.Algorithm, nil
	}
	return checksum.CRC64NVME, nil
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
