package s3

import (
	"crypto/md5" //nolint:gosec // ETags are MD5
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/s3/checksum"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

type completeRequest struct {
	XMLName xml.Name       `xml:"CompleteMultipartUpload"`
	Parts   []completePart `xml:"Part"`
}

type completePart struct {
	PartNumber int
	ETag       string
	checksumElements
}

type completeResult struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location string
	Bucket   string
	Key      string
	ETag     string
	checksumElements
	ChecksumType string `xml:",omitempty"`
}

func (c *call) completeUpload() error {
	u, _, err := c.upload()
	if err != nil {
		return err
	}
	cond, err := conditionsOf(c.r.Header, "").write()
	if err != nil {
		return err
	}
	// The checksum headers of this request are of the object, not of the document.
	text, err := c.documentPlain()
	if err != nil {
		return err
	}
	var in completeRequest
	if err := parseXML(text, &in); err != nil {
		return err
	}
	if len(in.Parts) == 0 {
		return fault("MalformedXML")
	}
	there, err := c.s.index.Parts(c.ctx(), u.ID, 0, partNumberMax)
	if err != nil {
		return err
	}
	object, segments, err := assemble(&u, in.Parts, there)
	if err != nil {
		return err
	}
	if err := c.checkWhole(&object); err != nil {
		return err
	}
	object.Modified = c.now()
	o, err := c.write(index.Write{
		Object: object, Segments: segments, If: cond, Upload: u.ID, Notify: c.notifier("ObjectCreated:CompleteMultipartUpload"),
	})
	if err != nil {
		return err
	}
	c.showVersion(o.Version)
	c.showEncryption(&o.Attributes)
	c.writeXML(http.StatusOK, completeResult{
		Location: c.caller.BaseURL + "/" + c.bucket + "/" + c.key, Bucket: c.bucket, Key: c.key, ETag: quote(o.ETag),
		checksumElements: elementsOf(o.Checksum), ChecksumType: o.Checksum.Type,
	})
	return nil
}

// assemble makes the object of the parts that the client lists from those that
// were uploaded.
func assemble(u *index.Upload, listed []completePart, uploaded []index.Part) (index.Object, []index.Segment, error) {
	byNumber := make(map[int]*index.Part, len(uploaded))
	for i := range uploaded {
		byNumber[uploaded[i].Number] = &uploaded[i]
	}
	o := index.Object{Attributes: u.Attributes, Checksum: u.Checksum, Parts: len(listed)}
	etags := md5.New() //nolint:gosec // ETags are MD5
	segments := make([]index.Segment, len(listed))
	sums := make([]checksum.Part, len(listed))
	for i := 1; i < len(listed); i++ {
		if listed[i].PartNumber <= listed[i-1].PartNumber {
			return o, nil, fault("InvalidPartOrder")
		}
	}
	for i, l := range listed {
		p := byNumber[l.PartNumber]
		if p == nil || strings.Trim(l.ETag, `"`) != p.ETag {
			return o, nil, fault("InvalidPart")
		}
		if sum := l.of(u.Checksum.Algorithm); sum != "" && sum != p.Checksum.Value {
			return o, nil, fault("InvalidPart")
		}
		if p.Size < partMin && i < len(listed)-1 {
			return o, nil, fault("EntityTooSmall")
		}
		raw, err := hex.DecodeString(p.ETag)
		if err != nil {
			return o, nil, err
		}
		etags.Write(raw)
		segments[i] = index.Segment{Number: p.Number, Blob: p.Blob, Size: p.Size, ETag: p.ETag, Sum: p.Checksum.Value}
		sums[i] = checksum.Part{Sum: p.Checksum.Value, Size: p.Size}
		o.Size += p.Size
	}
	o.ETag = hex.EncodeToString(etags.Sum(nil)) + "-" + strconv.Itoa(len(listed))
	o.Data = segments[0].Blob
	if o.Checksum.Type == checksum.Composite {
		o.Checksum.Value = o.Checksum.Algorithm.OfParts(sums)
	} else {
		o.Checksum.Value = o.Checksum.Algorithm.Joined(sums)
	}
	return o, segments, nil
}

// checkWhole compares the object with what the request says of it.
func (c *call) checkWhole(o *index.Object) error {
	if text := c.r.Header.Get("X-Amz-Mp-Object-Size"); text != "" {
		if n, err := strconv.ParseInt(text, 10, 64); err != nil || n != o.Size {
			return faultf("InvalidRequest", "The provided 'x-amz-mp-object-size' header value %s does not match what was computed: %d", text, o.Size)
		}
	}
	for _, a := range checksum.All {
		text := c.r.Header.Get(a.Header())
		if text == "" || a != o.Checksum.Algorithm {
			continue
		}
		got, _, _ := strings.Cut(o.Checksum.Value, "-")
		if want, _, _ := strings.Cut(text, "-"); want != got {
			return faultf("BadDigest", "The %s you specified did not match the calculated checksum.", a)
		}
	}
	return nil
}
