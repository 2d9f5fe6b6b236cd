package s3

import (
	"crypto/md5" //nolint:gosec // ETags are MD5
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/s3/checksum"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

// completedKept is for how long a completion that is sent again is answered as the
// first: longer than any client tries again.
const completedKept = time.Hour

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
	if len(in.Parts) == 0 || slices.ContainsFunc(in.Parts, func(p completePart) bool { return p.ETag == "" || p.PartNumber == 0 }) {
		return fault("MalformedXML")
	}
	o, err := c.finish(in.Parts, cond)
	if err != nil {
		if o, err = c.completedBefore(in.Parts, err); err != nil {
			return err
		}
	}
	c.showVersion(o.Version)
	c.showEncryption(&o.Attributes)
	c.showExpiration(&o)
	c.writeXML(http.StatusOK, completeResult{
		Location: c.location(), Bucket: c.bucket, Key: c.key, ETag: quote(o.ETag),
		checksumElements: elementsOf(o.Checksum), ChecksumType: o.Checksum.Type,
	})
	return nil
}

// finish makes the object of the parts that were listed.
func (c *call) finish(listed []completePart, cond func(*index.Object) error) (index.Object, error) {
	u, _, err := c.upload()
	if err != nil {
		return index.Object{}, err
	}
	there, err := c.s.index.Parts(c.ctx(), u.ID, 0, partNumberMax)
	if err != nil {
		return index.Object{}, err
	}
	object, segments, err := assemble(&u, listed, there)
	if err != nil {
		return index.Object{}, err
	}
	if err := c.checkWhole(&u, &object); err != nil {
		return index.Object{}, err
	}
	object.Modified = c.now()
	return c.write(index.Write{
		Object: object, Segments: segments, If: cond, Upload: u.ID, Completed: digestOf(listed),
		Notify: c.notifier("ObjectCreated:CompleteMultipartUpload"),
	})
}

// completedBefore is the answer to a completion that repeats one which succeeded: its
// answer was lost on the way, and so the client asks once more. Anything else stays err.
func (c *call) completedBefore(listed []completePart, err error) (index.Object, error) {
	done, known := c.s.index.Completed(c.ctx(), c.bucket, c.key, c.query.Get("uploadId"))
	if known != nil || done.Digest != digestOf(listed) || done.Object.Modified.Before(c.rec.Created) ||
		c.now().Sub(done.Object.Modified) > completedKept {
		return index.Object{}, err
	}
	return done.Object, nil
}

// digestOf tells one list of parts from another.
func digestOf(listed []completePart) string {
	h := sha256.New()
	for _, p := range listed {
		fmt.Fprintf(h, "%d %s\n", p.PartNumber, strings.Trim(p.ETag, `"`))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// location is the address of the object that was written.
func (c *call) location() string {
	path := (&url.URL{Path: "/" + c.key}).EscapedPath()
	if bucket, ok := bucketOfHost(c.r.Host); ok && bucket == c.bucket {
		return c.caller.BaseURL + path
	}
	return c.caller.BaseURL + "/" + c.bucket + path
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
			return o, nil, with(fault("InvalidPartOrder"), "UploadId", u.ID)
		}
	}
	for i, l := range listed {
		p := byNumber[l.PartNumber]
		if p == nil || strings.Trim(l.ETag, `"`) != p.ETag {
			return o, nil, with(fault("InvalidPart"), "UploadId", u.ID, "PartNumber", strconv.Itoa(l.PartNumber), "ETag", strings.Trim(l.ETag, `"`))
		}
		switch sum := l.of(u.Checksum.Algorithm); {
		case sum != "" && sum != p.Checksum.Value:
			return o, nil, fault("InvalidPart")
		case sum == "" && !u.AnyChecksum && u.Checksum.Type == checksum.Composite:
			return o, nil, faultf("InvalidRequest", "The upload was created using a %s checksum. The complete request must include the checksum for each part. It was missing for part %d in the request.",
				strings.ToLower(string(u.Checksum.Algorithm)), l.PartNumber)
		}
		if p.Size < partMin && i < len(listed)-1 {
			return o, nil, with(fault("EntityTooSmall"), "ProposedSize", strconv.FormatInt(p.Size, 10), "MinSizeAllowed", strconv.Itoa(partMin),
				"PartNumber", strconv.Itoa(p.Number), "ETag", p.ETag)
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
func (c *call) checkWhole(u *index.Upload, o *index.Object) error {
	if kind := c.r.Header.Get("X-Amz-Checksum-Type"); kind != "" && kind != u.Checksum.Type {
		return faultf("InvalidRequest", "The upload was created using the %s checksum mode. The complete request must use the same checksum mode.", u.Checksum.Type)
	}
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
