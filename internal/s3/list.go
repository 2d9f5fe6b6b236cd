package s3

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/s3/checksum"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

// pageMax is the largest page of a listing (S3 API reference).
const pageMax = 1000

// number reads a parameter that is a count; more than limit is limit.
func (c *call) number(name string, usual, limit int) (int, error) {
	text := c.query.Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, faultf("InvalidArgument", "Provided %s not an integer or within integer range", name)
	}
	return min(int(n), limit), nil
}

// encoder is how keys are written in a listing: percent-encoded when asked, because
// XML 1.0 cannot show every character.
func (c *call) encoder() (func(string) string, string, error) {
	switch kind := c.query.Get("encoding-type"); kind {
	case "":
		return func(s string) string { return s }, "", nil
	case "url":
		return func(s string) string {
			return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "%2F", "/"), "%2A", "*")
		}, kind, nil
	default:
		return nil, "", faultf("InvalidArgument", "Invalid Encoding Method specified in Request")
	}
}

type prefixEntry struct {
	Prefix string
}

type objectEntry struct {
	Key               string
	LastModified      xmlTime
	ETag              string
	ChecksumAlgorithm checksum.Algorithm `xml:",omitempty"`
	ChecksumType      string             `xml:",omitempty"`
	Size              int64
	Owner             *owner `xml:",omitempty"`
	StorageClass      string
}

func (c *call) objectEntries(page index.Page, encode func(string) string, withOwner bool) (objects []objectEntry, prefixes []prefixEntry) {
	for _, o := range page.Objects {
		e := objectEntry{
			Key: encode(o.Key), LastModified: xmlTime(o.Modified), ETag: quote(o.ETag), Size: o.Size, StorageClass: classOf(&o),
			ChecksumAlgorithm: o.Checksum.Algorithm, ChecksumType: o.Checksum.Type,
		}
		if withOwner {
			e.Owner = &owner{ownerID(c.rec.Account)}
		}
		objects = append(objects, e)
	}
	return objects, prefixEntries(page.Prefixes, encode)
}

func prefixEntries(all []string, encode func(string) string) (out []prefixEntry) {
	for _, p := range all {
		out = append(out, prefixEntry{encode(p)})
	}
	return out
}

func classOf(o *index.Object) string {
	if o.StorageClass == "" {
		return "STANDARD"
	}
	return o.StorageClass
}

type listResult struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Marker                *string `xml:",omitempty"`
	NextMarker            string  `xml:",omitempty"`
	StartAfter            string  `xml:",omitempty"`
	ContinuationToken     string  `xml:",omitempty"`
	NextContinuationToken string  `xml:",omitempty"`
	KeyCount              *int    `xml:",omitempty"`
	MaxKeys               int
	Delimiter             string `xml:",omitempty"`
	IsTruncated           bool
	EncodingType          string `xml:",omitempty"`
	Contents              []objectEntry
	CommonPrefixes        []prefixEntry
}

func (c *call) listObjects() error {
	limit, err := c.number("max-keys", pageMax, pageMax)
	if err != nil {
		return err
	}
	encode, kind, err := c.encoder()
	if err != nil {
		return err
	}
	q := index.Query{Prefix: c.query.Get("prefix"), Delimiter: c.query.Get("delimiter"), After: c.query.Get("marker"), Max: limit}
	page, err := c.s.index.Objects(c.ctx(), c.bucket, q)
	if err != nil {
		return err
	}
	marker := encode(q.After)
	out := listResult{
		Name: c.bucket, Prefix: encode(q.Prefix), Marker: &marker, MaxKeys: limit, Delimiter: encode(q.Delimiter),
		IsTruncated: page.Truncated, EncodingType: kind,
	}
	if page.Truncated && q.Delimiter != "" {
		out.NextMarker = encode(page.Next)
	}
	out.Contents, out.CommonPrefixes = c.objectEntries(page, encode, true)
	c.writeXML(http.StatusOK, out)
	return nil
}

func (c *call) listObjectsV2() error {
	if c.query.Get("list-type") != "2" {
		return faultf("InvalidArgument", "Invalid List Type specified in Request")
	}
	limit, err := c.number("max-keys", pageMax, pageMax)
	if err != nil {
		return err
	}
	encode, kind, err := c.encoder()
	if err != nil {
		return err
	}
	q := index.Query{Prefix: c.query.Get("prefix"), Delimiter: c.query.Get("delimiter"), After: c.query.Get("start-after"), Max: limit}
	token := c.query.Get("continuation-token")
	if c.query.Has("continuation-token") {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(after) == 0 || !validKey(string(after)) {
			return faultf("InvalidArgument", "The continuation token provided is incorrect")
		}
		q.After = string(after)
	}
	page, err := c.s.index.Objects(c.ctx(), c.bucket, q)
	if err != nil {
		return err
	}
	out := listResult{
		Name: c.bucket, Prefix: encode(q.Prefix), StartAfter: encode(c.query.Get("start-after")), ContinuationToken: token,
		MaxKeys: limit, Delimiter: encode(q.Delimiter), IsTruncated: page.Truncated, EncodingType: kind,
	}
	if page.Truncated {
		out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(page.Next))
	}
	out.Contents, out.CommonPrefixes = c.objectEntries(page, encode, c.query.Get("fetch-owner") == "true")
	count := len(out.Contents) + len(out.CommonPrefixes)
	out.KeyCount = &count
	c.writeXML(http.StatusOK, out)
	return nil
}
