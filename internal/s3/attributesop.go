package s3

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/s3/index"
)

type attributesResult struct {
	XMLName      xml.Name          `xml:"http://s3.amazonaws.com/doc/2006-03-01/ GetObjectAttributesResponse"`
	ETag         string            `xml:",omitempty"`
	Checksum     *checksumDocument `xml:",omitempty"`
	ObjectParts  *objectParts      `xml:",omitempty"`
	StorageClass string            `xml:",omitempty"`
	ObjectSize   *int64            `xml:",omitempty"`
}

type checksumDocument struct {
	checksumElements
	ChecksumType string `xml:",omitempty"`
}

type objectParts struct {
	TotalPartsCount      int `xml:"PartsCount"`
	PartNumberMarker     int
	NextPartNumberMarker int
	MaxParts             int
	IsTruncated          bool
	Parts                []attributePart `xml:"Part"`
}

type attributePart struct {
	PartNumber int
	Size       int64
	checksumElements
}

func (c *call) getAttributes() error {
	wanted := map[string]bool{}
	for _, line := range c.r.Header.Values("X-Amz-Object-Attributes") {
		for name := range strings.SplitSeq(line, ",") {
			wanted[strings.TrimSpace(name)] = true
		}
	}
	if len(wanted) == 0 {
		return faultf("InvalidArgument", "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
	}
	o, err := c.find(c.query.Get("versionId"))
	if err != nil {
		return err
	}
	var out attributesResult
	if wanted["ETag"] {
		out.ETag = o.ETag
	}
	if wanted["Checksum"] && o.Checksum.Value != "" {
		sum := o.Checksum
		sum.Value, _, _ = strings.Cut(sum.Value, "-") // here the number of parts is told apart
		out.Checksum = &checksumDocument{elementsOf(sum), sum.Type}
	}
	if wanted["StorageClass"] {
		out.StorageClass = classOf(&o)
	}
	if wanted["ObjectSize"] {
		out.ObjectSize = &o.Size
	}
	if wanted["ObjectParts"] && o.Parts > 0 {
		if out.ObjectParts, err = c.partsOf(&o); err != nil {
			return err
		}
	}
	c.showVersion(o.Version)
	c.w.Header().Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	c.writeXML(http.StatusOK, out)
	return nil
}

func (c *call) partsOf(o *index.Object) (*objectParts, error) {
	limit, after := pageMax, 0
	if n, err := strconv.Atoi(c.r.Header.Get("X-Amz-Max-Parts")); err == nil && n >= 0 {
		limit = min(n, pageMax)
	}
	if n, err := strconv.Atoi(c.r.Header.Get("X-Amz-Part-Number-Marker")); err == nil {
		after = n
	}
	segments, err := c.s.index.Segments(c.ctx(), o.Data)
	if err != nil {
		return nil, err
	}
	out := &objectParts{TotalPartsCount: o.Parts, PartNumberMarker: after, MaxParts: limit}
	for _, s := range segments {
		if s.Number <= after {
			continue
		}
		if len(out.Parts) == limit {
			out.IsTruncated = true
			break
		}
		out.NextPartNumberMarker = s.Number
		sum := index.Checksum{Algorithm: o.Checksum.Algorithm, Value: s.Sum}
		out.Parts = append(out.Parts, attributePart{s.Number, s.Size, elementsOf(sum)})
	}
	return out, nil
}
