package s3

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/s3/checksum"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

// The limits of multipart uploads (S3 user guide, "Amazon S3 multipart upload
// limits").
const (
	partNumberMax = 10000
	partMin       = 5 << 20 // of all parts but the last
)

type createUploadResult struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
	Bucket   string
	Key      string
	UploadID string `xml:"UploadId"`
}

func (c *call) createUpload() error {
	attributes, err := c.newAttributes("")
	if err != nil {
		return err
	}
	sum, err := uploadChecksum(c.r.Header)
	if err != nil {
		return err
	}
	var raw [48]byte
	_, _ = rand.Read(raw[:]) // never fails, as crypto/rand says
	u := index.Upload{
		Attributes: attributes, ID: base64.RawURLEncoding.EncodeToString(raw[:]), Initiated: c.now(),
		Initiator: c.caller.ARN, Checksum: sum, AnyChecksum: c.r.Header.Get("X-Amz-Checksum-Algorithm") == "",
	}
	if err := c.s.index.CreateUpload(c.ctx(), c.bucket, c.key, u); err != nil {
		return err
	}
	if !u.AnyChecksum {
		c.w.Header().Set("X-Amz-Checksum-Algorithm", string(sum.Algorithm))
		c.w.Header().Set("X-Amz-Checksum-Type", sum.Type)
	}
	c.showEncryption(&attributes)
	c.writeXML(http.StatusOK, createUploadResult{Bucket: c.bucket, Key: c.key, UploadID: u.ID})
	return nil
}

// uploadChecksum is the algorithm and the type that an upload was asked for, or
// what S3 takes by itself (S3 user guide, "Checking object integrity").
func uploadChecksum(h http.Header) (index.Checksum, error) {
	name, kind := h.Get("X-Amz-Checksum-Algorithm"), strings.ToUpper(h.Get("X-Amz-Checksum-Type"))
	if name == "" {
		if kind != "" {
			return index.Checksum{}, faultf("InvalidRequest", "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return index.Checksum{Algorithm: checksum.CRC64NVME, Type: checksum.FullObject}, nil
	}
	a, err := parseAlgorithm(name)
	if err != nil {
		return index.Checksum{}, err
	}
	if kind == "" {
		kind = checksum.Composite
		if a == checksum.CRC64NVME {
			kind = checksum.FullObject
		}
	}
	switch {
	case kind != checksum.Composite && kind != checksum.FullObject:
		return index.Checksum{}, faultf("InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
	case kind == checksum.FullObject && !a.Joins(),
		kind == checksum.Composite && a == checksum.CRC64NVME:
		return index.Checksum{}, faultf("InvalidRequest", "The %s checksum type cannot be used with the %s checksum algorithm.", kind, strings.ToLower(string(a)))
	}
	return index.Checksum{Algorithm: a, Type: kind}, nil
}

// upload finds the upload and, where the request names one, the part's number.
func (c *call) upload() (index.Upload, int, error) {
	number := 0
	if text := c.query.Get("partNumber"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > partNumberMax {
			return index.Upload{}, 0, argument("partNumber", text, "Part number must be an integer between 1 and 10000, inclusive")
		}
		number = n
	}
	u, err := c.s.index.Upload(c.ctx(), c.bucket, c.key, c.query.Get("uploadId"))
	return u, number, err
}

func (c *call) putPart() error {
	u, number, err := c.upload()
	if err != nil {
		return err
	}
	if number == 0 {
		return faultf("InvalidArgument", "This operation does not accept a query-string without a part number.")
	}
	claimed, err := claimedChecksum(c.r.Header)
	if err != nil {
		return err
	}
	if claimed != "" && claimed != u.Checksum.Algorithm && !u.AnyChecksum {
		return faultf("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			strings.ToLower(string(u.Checksum.Algorithm)), strings.ToLower(string(claimed)))
	}
	b, err := c.openBody(putMax, u.Checksum.Algorithm)
	if err != nil {
		return err
	}
	id, err := c.keep(b)
	if err != nil {
		return err
	}
	p := index.Part{
		Number: number, Blob: id, Size: b.size, ETag: b.etag(), Modified: c.now(),
		Checksum: index.Checksum{Algorithm: u.Checksum.Algorithm, Value: b.sum(u.Checksum.Algorithm)},
	}
	if err := c.keepPart(u.ID, p); err != nil {
		return err
	}
	c.w.Header().Set("Etag", quote(p.ETag))
	if claimed != "" {
		c.w.Header().Set(claimed.Header(), b.sum(claimed))
	}
	c.showEncryption(&u.Attributes)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// keepPart puts a part whose blob is durable, and removes what it leaves over.
func (c *call) keepPart(upload string, p index.Part) error {
	garbage, err := c.s.index.PutPart(c.ctx(), c.bucket, c.key, upload, p)
	if err != nil {
		if certain(err) {
			c.s.blobs.Remove(p.Blob, []string{p.Blob})
		}
		return err
	}
	c.s.discard(garbage)
	return nil
}

func (c *call) copyPart() error {
	u, number, err := c.upload()
	if err != nil {
		return err
	}
	if number == 0 {
		return faultf("InvalidArgument", "This operation does not accept a query-string without a part number.")
	}
	src, _, _, err := c.source()
	if err != nil {
		return err
	}
	defer src.done()
	if text := c.r.Header.Get("X-Amz-Copy-Source-Range"); text != "" {
		first, last, ok := copyRange(text)
		if !ok {
			return argument("x-amz-copy-source-range", text, "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
		}
		if last >= src.Size {
			return argument("x-amz-copy-source-range", text, "Range specified is not valid for source object of size: "+strconv.FormatInt(src.Size, 10))
		}
		src.limit(first, last-first+1)
	}
	if src.end-src.at > putMax {
		return fault("EntityTooLarge")
	}
	copied, err := c.copyBytes(src, u.Checksum.Algorithm)
	if err != nil {
		return err
	}
	p := index.Part{
		Number: number, Blob: copied.Data, Size: copied.Size, ETag: copied.ETag, Modified: c.now(), Checksum: copied.Checksum,
	}
	if err := c.keepPart(u.ID, p); err != nil {
		return err
	}
	c.showEncryption(&u.Attributes)
	c.writeXML(http.StatusOK, copyResult{
		XMLName: xml.Name{Space: namespace, Local: "CopyPartResult"}, ETag: quote(p.ETag), LastModified: xmlTime(p.Modified),
		checksumElements: elementsOf(p.Checksum),
	})
	return nil
}

// copyRange reads a range of bytes with both ends, which is the only form that
// copies take.
func copyRange(text string) (first, last int64, ok bool) {
	from, to, found := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	return first, last, found && strings.HasPrefix(text, "bytes=") && err1 == nil && err2 == nil && first >= 0 && last >= first
}

func (c *call) abortUpload() error {
	garbage, err := c.s.index.AbortUpload(c.ctx(), c.bucket, c.key, c.query.Get("uploadId"))
	if err != nil {
		return err
	}
	c.s.discard(garbage)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

type partsResult struct {
	XMLName              xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
	Bucket               string
	Key                  string
	UploadID             string `xml:"UploadId"`
	Initiator            owner
	Owner                owner
	StorageClass         string
	PartNumberMarker     int
	NextPartNumberMarker int `xml:",omitempty"`
	MaxParts             int
	IsTruncated          bool
	ChecksumAlgorithm    string      `xml:",omitempty"`
	ChecksumType         string      `xml:",omitempty"`
	Parts                []partEntry `xml:"Part"`
}

type partEntry struct {
	PartNumber   int
	LastModified xmlTime
	ETag         string
	Size         int64
	checksumElements
}

func (c *call) listParts() error {
	u, _, err := c.upload()
	if err != nil {
		return err
	}
	limit, err := c.number("max-parts", pageMax, pageMax)
	if err != nil {
		return err
	}
	after, err := c.number("part-number-marker", 0, partNumberMax)
	if err != nil {
		return err
	}
	parts, err := c.s.index.Parts(c.ctx(), u.ID, after, limit+1)
	if err != nil {
		return err
	}
	out := partsResult{
		Bucket: c.bucket, Key: c.key, UploadID: u.ID, Initiator: owner{u.Initiator}, Owner: owner{ownerID(c.rec.Account)},
		StorageClass: classOf(&index.Object{Attributes: u.Attributes}), PartNumberMarker: after, MaxParts: limit,
		ChecksumAlgorithm: string(u.Checksum.Algorithm), ChecksumType: u.Checksum.Type,
	}
	if len(parts) > limit {
		parts, out.IsTruncated = parts[:limit], true
	}
	for _, p := range parts {
		out.NextPartNumberMarker = p.Number
		out.Parts = append(out.Parts, partEntry{p.Number, xmlTime(p.Modified), quote(p.ETag), p.Size, elementsOf(p.Checksum)})
	}
	c.writeXML(http.StatusOK, out)
	return nil
}
